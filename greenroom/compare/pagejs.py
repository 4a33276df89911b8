"""What runs inside a page: kept short, and nothing that a strict content policy would refuse."""

from __future__ import annotations

BEFORE = """(() => {
  let s = 1; Math.random = () => (s = (s * 16807) % 2147483647) / 2147483647;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`*, *::before, *::after { transition: none !important;
    caret-color: transparent !important; scroll-behavior: auto !important; }`);
  window.__greenroomSheet = sheet;
  const lay = () => { if (!document.adoptedStyleSheets.includes(sheet))
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]; };
  window.__greenroomLay = lay; lay();
})()"""
"""Before any script of the page: the same random numbers each time, no transitions, no caret.

A constructed style sheet is no inline style, so a page's content policy neither refuses it nor has
to be switched off, which would let run what the policy holds back.
"""

EAGER = "document.querySelectorAll('[loading=lazy]').forEach(i => { i.loading = 'eager' })"

SCROLL = "y => { scrollTo(0, y); return document.documentElement.scrollHeight; }"

READY = """() => (!document.fonts || document.fonts.status === 'loaded') &&
  [...document.images].every(image => image.complete)"""
"""Whether fonts and pictures have come or failed; it waits for nothing, so it cannot hang."""

DECODE = """() => { if (!window.__greenroomDecoding) { window.__greenroomDecoding = true;
  Promise.all([...document.images].map(i => i.decode().catch(() => 0)))
    .then(() => { window.__greenroomDecoded = true; }); }
  return Boolean(window.__greenroomDecoded); }"""

STILL = """() => { window.__greenroomLay && window.__greenroomLay();
  for (const one of document.getAnimations()) { try {
    const timing = one.effect && one.effect.getComputedTiming();
    if (timing && timing.endTime !== Infinity) one.finish(); else one.cancel();
  } catch { one.cancel(); } }
  const at = document.activeElement; if (at && at.blur && !window.__greenroomKeepFocus) at.blur();
  return document.getAnimations().length; }"""
"""Animations that end are at their end, those that do not are at their beginning."""

HIDE = """selectors => { for (const q of selectors) { try {
  document.querySelectorAll(q).forEach(e => e.style.setProperty('display', 'none', 'important'));
} catch {} } }"""

COVER = """selectors => { const boxes = [], root = document.documentElement;
  const cover = document.createElement('div');
  Object.assign(cover.style, {position: 'absolute', left: 0, top: 0, width: 0, height: 0,
    zIndex: 2147483647, pointerEvents: 'none'});
  for (const q of selectors) { let found = []; try { found = document.querySelectorAll(q); }
    catch { continue; }
    for (const e of found) { const r = e.getBoundingClientRect();
      if (!r.width || !r.height) continue;
      const x = Math.floor(r.left + scrollX), y = Math.floor(r.top + scrollY);
      const w = Math.ceil(r.right + scrollX) - x, h = Math.ceil(r.bottom + scrollY) - y;
      boxes.push([x, y, w, h]);
      const one = document.createElement('div');
      Object.assign(one.style, {position: 'absolute', left: x + 'px', top: y + 'px',
        width: w + 'px', height: h + 'px', background: '#c9c4d6'});
      cover.append(one); } }
  root.append(cover);
  const start = cover.getBoundingClientRect();
  cover.style.left = -(start.left + scrollX) + 'px';
  cover.style.top = -(start.top + scrollY) + 'px';
  return boxes; }"""
"""Covers elements whose look does not count; gives their boxes in CSS pixels."""

HEIGHT = "document.documentElement.scrollHeight"
TEXT = "() => document.body ? document.body.innerText : ''"
LINKS = "[...document.querySelectorAll('a[href]')].map(a => a.href)"
