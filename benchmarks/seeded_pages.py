"""Pages made from a seed, and edits whose place the page itself tells."""

from __future__ import annotations

import random

WORDS = (
    "harbour", "lantern", "copper", "willow", "granite", "meadow", "saddle", "ribbon",
    "thunder", "velvet", "anchor", "barley", "cinder", "drizzle", "ember", "fathom",
)  # fmt: skip
KINDS = (
    "banner", "fractional", "section", "text", "colour", "image", "card", "button", "border",
    "paragraph",
)  # fmt: skip

STYLE = """
*{box-sizing:border-box} body{margin:0;font:16px/1.5 sans-serif;color:#223;background:#fff}
header{display:flex;gap:24px;padding:18px 40px;background:#15324b;color:#fff}
.hero{padding:50px 40px;background:linear-gradient(120deg,#dbe9f4,#f4e3d0)}
.grid{display:grid;grid-template-columns:repeat(COLUMNS,1fr);gap:20px;padding:30px 40px}
.card{border:1px solid #ccd;border-radius:8px;padding:14px;box-shadow:0 2px 6px #0002}
.card .art{height:90px;border-radius:4px} .card b{display:block}
.two{display:grid;grid-template-columns:260px 1fr;gap:40px;padding:20px 40px}
aside p{margin:6px 0;padding:6px 10px;background:#f2f4f7}
button{padding:9px 18px;border:0;border-radius:6px;background:#06c;color:#fff;font:inherit}
table{width:calc(100% - 80px);margin:20px 40px;border-collapse:collapse}
td{border-bottom:1px solid #dde;padding:7px} footer{padding:30px 40px;background:#eee}
"""

EDIT = """([kind, pick, words]) => {
  const all = (q) => [...document.querySelectorAll(q)].filter(e => !e.dataset.edit);
  const one = (q) => { const f = all(q); return f[pick % f.length]; };
  const insert = (html) => { const places = all('body > *');
    const n = document.createElement('div');
    n.innerHTML = html; const e = n.firstChild; e.dataset.edit = kind;
    places[pick % places.length].before(e); return null; };
  if (kind === 'banner') return insert(
    `<div style="padding:14px 40px;background:#ffe08a">${words}</div>`);
  if (kind === 'fractional') return insert(
    `<div style="height:37.5px;padding:5px 40px;background:#c9f0d0">${words}</div>`);
  if (kind === 'section') return insert(
    `<section style="padding:40px;background:#efe6ff"><h2>${words}</h2><p>${words}</p></section>`);
  const target = {text: '.card b, aside p, td', colour: 'button', image: '.art', card: '.card',
    button: '.card button', border: '.card', paragraph: 'main p'}[kind];
  const e = one(target); const was = e.was; e.dataset.edit = kind;
  if (kind === 'text') e.textContent = words.split(' ')[0];
  if (kind === 'colour') e.style.background = '#b3123f';
  if (kind === 'image')
    e.style.background = 'repeating-linear-gradient(45deg,#333 0 8px,#fc0 8px 16px)';
  if (kind === 'card') e.remove();
  if (kind === 'button') e.style.visibility = 'hidden';
  if (kind === 'border') e.style.borderColor = '#d22';
  if (kind === 'paragraph') e.textContent += ' ' + words + ' ' + words;
  return was; }"""

LOOK = """() => { const path = (e) => { const parts = [];
    for (; e && e !== document.body; e = e.parentElement) {
      const same = [...e.parentElement.children].filter(c => c.tagName === e.tagName);
      parts.unshift(`${e.tagName.toLowerCase()}:nth-of-type(${same.indexOf(e) + 1})`); }
    return parts.join(' > '); };
  const box = (e) => { const r = e.getBoundingClientRect();
    return [r.left, r.top + scrollY, r.width, r.height]; };
  return [...document.querySelectorAll('body *')].map(e => {
      const s = getComputedStyle(e);
      e.was ??= box(e);
      return [path(e), [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data)
        .join(' ').trim(), ...box(e), {color: s.color, 'background-color': s.backgroundColor,
        'border-color': s.borderTopColor, visibility: s.visibility}]; }); }"""

NOW = """() => Object.fromEntries([...document.querySelectorAll('[data-edit]')].map(e => {
  const r = e.getBoundingClientRect();
  return [e.dataset.edit, [r.left, r.top + scrollY, r.width, r.height]]; }))"""


def words(random_: random.Random, least: int, most: int) -> str:
    """Give some words."""
    return " ".join(random_.choices(WORDS, k=random_.randint(least, most)))


def page(seed: int) -> str:
    """Make a page: header, hero, cards, a sidebar beside prose, a table, a footer."""
    made = random.Random(seed)

    def colour() -> str:
        return f"hsl({made.randrange(360)} {made.randint(40, 80)}% {made.randint(45, 75)}%)"

    cards = "".join(
        f'<div class="card"><div class="art" style="background:linear-gradient('
        f'{made.randrange(360)}deg,{colour()},{colour()})"></div><b>{words(made, 2, 3)}</b>'
        f"<span>{made.randint(3, 900)}.{made.randint(10, 99)} EUR</span><br>"
        "<button>Take it</button></div>"
        for _ in range(made.randint(5, 14))
    )
    aside = "".join(f"<p>{words(made, 1, 3)}</p>" for _ in range(made.randint(3, 9)))
    prose = "".join(f"<p>{words(made, 25, 80)}</p>" for _ in range(made.randint(3, 7)))
    rows = "".join(
        f"<tr><td>{words(made, 1, 2)}</td><td>{words(made, 2, 4)}</td>"
        f"<td>{made.random():.4f}</td></tr>"
        for _ in range(made.randint(4, 16))
    )
    parts = [
        f'<div class="grid">{cards}</div>',
        f'<div class="two"><aside>{aside}</aside><main>{prose}</main></div>',
        f"<table><tbody>{rows}</tbody></table>",
    ]
    made.shuffle(parts)
    style = STYLE.replace("COLUMNS", str(made.randint(2, 4)))
    return (
        f"<!doctype html><meta charset=utf-8><style>{style}</style><body>"
        f"<header><b>{words(made, 1, 2)}</b><span>{words(made, 1, 1)}</span></header>"
        f'<div class="hero"><h1>{words(made, 3, 6)}</h1><p>{words(made, 10, 25)}</p></div>'
        f"{''.join(parts)}<footer>{words(made, 8, 20)}</footer>"
    )


def edits(seed: int) -> list[tuple[str, int, str]]:
    """Choose none to three edits; every ninth page is left as it is."""
    made = random.Random(seed * 7919 + 1)
    if seed % 9 == 8:
        return []
    kinds = made.sample(KINDS, made.randint(1, 3))
    return [(kind, made.randrange(1000), words(made, 5, 9)) for kind in kinds]
