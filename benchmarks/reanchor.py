"""Pin comments to elements, redeploy in ten ways, and look where the pins are found again.

Rival: a path of ``nth-of-type`` steps, as a selector generator without ids gives it.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.line import Line
from benchmarks.seeded_pages import words

PINS = 400
GOAL_RIGHT, GOAL_WRONG, GOAL_REMOVED = 0.97, 0.005, 0.90
KINDS = (
    "banner", "section", "reworded", "prices", "hashed", "wrapped", "shuffled", "duplicated",
    "removed", "together",
)  # fmt: skip
ANCHOR = Path(__file__).parents[1] / "greenroom" / "gateway" / "overlay" / "anchor.js"

MARK = """() => { let n = 0; window.truth = new WeakMap();
  for (const e of document.querySelectorAll('body *')) truth.set(e, n++);
  window.path = (e) => { const steps = []; for (; e && e !== document.body; e = e.parentElement) {
    const same = [...e.parentElement.children].filter(c => c.tagName === e.tagName);
    steps.unshift(`${e.tagName.toLowerCase()}:nth-of-type(${same.indexOf(e) + 1})`); }
    return 'body > ' + steps.join(' > '); }; }"""
PIN = """(chosen) => { const all = [...document.querySelectorAll('body *')];
  window.pins = chosen.map(i => ({of: truth.get(all[i]), kept: describe(all[i]),
                                  path: path(all[i])})); }"""
COUNT = "() => document.querySelectorAll('body *').length"
FIND = """() => { const known = new Set();
  for (const e of document.querySelectorAll('body *')) if (truth.has(e)) known.add(truth.get(e));
  const of = (e) => e ? (truth.has(e) ? truth.get(e) : -1) : null;
  return pins.map(p => [p.of, known.has(p.of), of(locate(JSON.parse(JSON.stringify(p.kept)))),
                        of(document.querySelector(p.path))]); }"""
CHANGE = """([kind, seed, words]) => {
  let state = seed; const next = (n) => (state = (state * 48271) % 2147483647) % n;
  const all = (q) => [...document.querySelectorAll(q)];
  const make = (html) => { const d = document.createElement('div'); d.innerHTML = html;
    return d.firstElementChild; };
  const acts = {
    banner: () => document.body.prepend(make(`<div class="note"><p>${words[0]}</p></div>`)),
    section: () => all('main > *')[1].before(
      make(`<section><h2>${words[1]}</h2><p>${words[2]}</p><button>Read more</button></section>`)),
    reworded: () => { for (const e of all('p, h2, h3, li')) if (!e.children.length) {
      const said = e.textContent.split(' ');
      e.textContent = said.map(w => next(10) ? w : 'amended').join(' '); } },
    prices: () => { for (const e of all('.price')) e.textContent = `${next(900) + 10}.00`; },
    hashed: () => { for (const e of all('[class]')) e.className += `-${next(1e6).toString(36)}`; },
    wrapped: () => { for (const e of all('.card, table, form')) {
      const d = document.createElement('div'); e.before(d); d.append(e); } },
    shuffled: () => { for (const grid of all('.grid')) for (let i = 40; i--;) {
      const cards = [...grid.children]; grid.append(cards[next(cards.length)]); } },
    duplicated: () => { for (const card of all('.card').slice(0, 3)) card.before(
      card.cloneNode(true)); },
    removed: () => { for (const card of all('.card')) if (!next(5)) card.remove();
      for (const row of all('tbody tr')) if (!next(6)) row.remove(); },
  };
  if (acts[kind]) acts[kind]();
  else for (const one of ['shuffled', 'removed', 'wrapped', 'prices', 'reworded', 'hashed',
    'section', 'banner']) acts[one](); }"""


def page(random_: random.Random, *, ids: bool) -> str:
    """Make a shop page: cards that are alike, tables, texts, a form."""

    def card(n: int) -> str:
        mark = f' id="card-{n}" data-testid="buy-{n}"' if ids and n % 2 else ""
        return (
            f'<article class="card"{mark}><h3>{words(random_, 2, 3).title()} {n}</h3>'
            f'<img alt="" src="/i/{n}.jpg"><p>{words(random_, 8, 14)}</p>'
            f'<b class="price">{random_.randint(10, 900)}.00</b><button>Add to cart</button>'
            "</article>"
        )

    rows = "".join(
        f"<tr><th>{words(random_, 1, 2)} {n}</th><td>{random_.randint(1, 99)}</td>"
        f"<td>{words(random_, 2, 4)}</td><td><a href='/o/{n}'>Details</a></td></tr>"
        for n in range(30)
    )
    texts = "".join(
        f"<section><h2>{words(random_, 3, 5).title()}</h2>"
        + "".join(f"<p>{words(random_, 18, 40)}</p>" for _ in range(3)) + "</section>"
        for _ in range(8)
    )  # fmt: skip
    return (
        "<!doctype html><title>Shop</title><body><header><h1>Everything</h1><nav>"
        + "".join(f"<a href='/{n}'>{words(random_, 1, 2)}</a>" for n in range(8))
        + f"</nav></header><main><div class='grid'>{''.join(map(card, range(36)))}</div>"
        f"<table><tbody>{rows}</tbody></table>{texts}<form><label>Name</label><input name='name'>"
        "<button>Send</button></form></main><footer><p>All rights reserved</p></footer></body>"
    )


def run() -> Line:
    """Pin, redeploy, find; with ids on every second card, and with none."""
    script = ANCHOR.read_text().replace("export const ", "globalThis.")
    by_kind: dict[str, Counter[str]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for ids in (False, True):
            for number, kind in enumerate(KINDS):
                random_ = random.Random(f"{kind} {ids}")
                shown = browser.new_page(viewport={"width": 1280, "height": 900})
                shown.set_content(page(random.Random(f"page {ids}"), ids=ids))
                shown.add_script_tag(content=script)
                shown.evaluate(MARK)
                chosen = random_.sample(range(shown.evaluate(COUNT)), PINS)
                shown.evaluate(PIN, chosen)
                said = [words(random_, 3, 9) for _ in range(3)]
                shown.evaluate(CHANGE, [kind, 1000 + number, said])
                here = by_kind.setdefault(kind, Counter())
                for of, is_there, found, by_path in shown.evaluate(FIND):
                    for name, at in (("", found), ("rival ", by_path)):
                        here[name + judge(of, is_there, at)] += 1
                shown.close()
        browser.close()
    counts = sum(by_kind.values(), Counter())
    kept, gone = (_total(counts, words_) for words_ in (("right", "wrong", "lost"), _GONE))
    right, wrong = counts["right"] / kept, (counts["wrong"] + counts["twin"]) / (kept + gone)
    removed = counts["detached"] / gone
    return Line(
        "reanchor", 100 * right, "% of pins on their element", "path of nth-of-type",
        100 * counts["rival right"] / kept,
        ">= 97 % right, <= 0.5 % wrong, >= 90 % of removed told",
        met=right >= GOAL_RIGHT and wrong <= GOAL_WRONG and removed >= GOAL_REMOVED,
        details={
            "wrong": round(wrong, 4), "removed_detached": round(removed, 4),
            "pins": kept + gone, "rival_wrong": round(
                (counts["rival wrong"] + counts["rival twin"]) / (kept + gone), 4),
            "by_kind": {kind: dict(sorted(found.items())) for kind, found in by_kind.items()},
        },
    )  # fmt: skip


_GONE = ("detached", "twin")


def judge(of: int, is_there: bool, at: int | None) -> str:
    """Name what became of a pin."""
    if is_there:
        return "right" if at == of else "lost" if at is None else "wrong"
    return "detached" if at is None else "twin"


def _total(counts: Counter[str], names: tuple[str, ...]) -> int:
    return sum(counts[name] for name in names)
