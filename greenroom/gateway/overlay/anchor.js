// Finds an element again after a redeploy, by several signals scored together; rather not at all
// than a wrong one.
const ATTRIBUTES = ["id", "data-testid", "data-test", "name", "href", "src", "alt", "aria-label", "type", "for", "role"];
const SURE = new Set(["id", "data-testid", "data-test"]);
const plain = (text, most) => (text || "").replace(/\s+/g, " ").trim().slice(0, most);
const textOf = (element) => plain(element.textContent, 200);
const parentsOf = (element) => {
  const found = [];
  for (let at = element.parentElement; at && at !== document.documentElement; at = at.parentElement) found.push(at);
  return found;
};
const pathOf = (element) => [element, ...parentsOf(element)].map((at) => {
  let place = 1;
  for (let other = at; (other = other.previousElementSibling);) if (other.tagName === at.tagName) place++;
  return at.tagName.toLowerCase() + ":" + place;
});
const HEADINGS = "h1,h2,h3,h4,h5,h6,legend,caption,summary,th,dt,strong";
const contextOf = (element) => {
  // What the nearest surrounding block says besides the element: which of many twins it is.
  for (const at of parentsOf(element).slice(0, 6)) {
    const heading = [...at.querySelectorAll(HEADINGS)].find((other) => other !== element && !other.contains(element) && !element.contains(other));
    if (heading && textOf(heading)) return plain(textOf(heading), 80);
  }
  return plain(document.title, 80);
};
const cardOf = (element) => {
  // The surroundings' words, without the element's own.
  const own = textOf(element);
  for (const at of parentsOf(element).slice(0, 4)) {
    const said = textOf(at);
    if (said.length > own.length + 8 && at !== document.body) return plain(said.replace(own, " "), 160);
  }
  return "";
};
const words = (text) => new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) || []);
const likeness = (a, b) => {
  if (a === b) return 1;
  const left = words(a), right = words(b);
  if (!left.size || !right.size) return 0;
  let shared = 0;
  for (const word of left) if (right.has(word)) shared++;
  return (2 * shared) / (left.size + right.size);
};

export const describe = (element) => {
  const box = element.getBoundingClientRect(), root = document.documentElement;
  const attributes = {};
  for (const name of ATTRIBUTES) if (element.hasAttribute(name)) attributes[name] = plain(element.getAttribute(name), 200);
  return {
    tag: element.tagName.toLowerCase(), attributes, text: textOf(element), path: pathOf(element).join(">").slice(0, 500),
    context: contextOf(element), card: cardOf(element),
    x: (box.left + scrollX) / root.scrollWidth, y: (box.top + scrollY) / root.scrollHeight,
  };
};

const scoreOf = (element, kept, path) => {
  let score = 0, sure = false, contradicts = 0;
  for (const name of ATTRIBUTES) {
    const before = kept.attributes[name], now = element.getAttribute(name);
    if (before === undefined) continue;
    if (plain(now, 200) === before) {
      score += SURE.has(name) ? 4 : 1.5;
      sure = sure || SURE.has(name);
    } else if (now !== null && SURE.has(name)) contradicts++;
  }
  const text = kept.text ? likeness(textOf(element), kept.text) : element.textContent.trim() ? 0 : 0.5;
  const context = kept.context ? likeness(contextOf(element), kept.context) : 0.5;
  const card = kept.card ? likeness(cardOf(element), kept.card) : 0.5;
  const now = pathOf(element);
  let same = 0;
  while (same < path.length && now[same] === path[same]) same++;
  const box = element.getBoundingClientRect(), root = document.documentElement;
  const away = Math.hypot((box.left + scrollX) / root.scrollWidth - kept.x, (box.top + scrollY) / root.scrollHeight - kept.y);
  score += 4 * text + 2 * context + 2 * card + (1.5 * same) / Math.max(path.length, now.length) + Math.max(0, 0.5 - away) - 2 * contradicts;
  return { element, score, sure, text, context, card, whole: same === path.length && now.length === same };
};

export const locate = (kept) => {
  const path = kept.path.split(">");
  let found = [...document.getElementsByTagName(kept.tag)].filter((element) => element.id !== "greenroom-comments");
  if (found.length > 400 && kept.text) {
    const near = found.filter((element) => likeness(textOf(element), kept.text) > 0.3);
    if (near.length) found = near.slice(0, 400);
  }
  const scored = found.map((element) => scoreOf(element, kept, path)).sort((a, b) => b.score - a.score);
  const [best, second] = scored;
  if (!best) return null;
  const says = Math.max(best.text, best.sure ? 0.6 : 0);
  const stands = Math.max(best.context, best.card);
  if (best.sure && (best.text >= 0.3 || stands >= 0.5 || !kept.text)) return best.element;
  const twins = scored.filter((other) => other !== best && other.text >= best.text - 0.05).length;
  // A twin elsewhere is no answer: what surrounds it must be what surrounded it.
  if (says < 0.5 && !(best.whole && stands >= 0.7)) return null;
  if (twins && Math.min(best.context, best.card || 1) < 0.5 && best.card < 0.75) return null;
  if (!twins && stands < 0.2 && best.text < 0.9) return null;
  if (second && best.score - second.score < 0.15 && !best.whole) return null;
  return best.element;
};
