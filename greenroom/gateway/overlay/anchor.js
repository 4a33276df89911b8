// Finds an element again after a redeploy, by several signals scored together; rather not at all
// than a wrong one.
const ATTRIBUTES = ["id", "data-testid", "data-test", "name", "href", "src", "alt", "aria-label", "type", "for", "role"];
const SURE = new Set(["id", "data-testid", "data-test"]);
// Half of an emoji at the end is no text: nobody could keep it.
const plain = (text, most) => (text || "").replace(/\s+/g, " ").trim().slice(0, most).replace(/[\uD800-\uDBFF]$/, "");
const textOf = (element) => {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let said = "";
  while (said.length < 400 && walker.nextNode()) said += walker.currentNode.data + " ";
  return plain(said, 200);
};
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
// Words and pairs of words: texts of one shop share the words, and not their order.
const wordsOf = (text) => {
  const said = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) || [];
  return new Set([...said, ...said.slice(1).map((word, at) => said[at] + " " + word)]);
};
const likeness = (a, b) => {
  if (a === b) return 1;
  const left = wordsOf(a), right = wordsOf(b);
  let shared = 0;
  for (const word of left) if (right.has(word)) shared++;
  return left.size && right.size ? (2 * shared) / (left.size + right.size) : 0;
};
const placeOf = (element) => {
  const box = element.getBoundingClientRect(), root = document.documentElement;
  return [(box.left + scrollX) / root.scrollWidth, (box.top + scrollY) / root.scrollHeight];
};
const sameTag = (tag) => [...document.getElementsByTagName(tag)].filter((element) => element.id !== "greenroom-comments").slice(0, 2000);
// Those that nothing but their place tells apart.
const equalsOf = (elements, { text, context, card }) =>
  elements.filter((other) => textOf(other) === text && cardOf(other) === card && contextOf(other) === context);

export const describe = (element) => {
  const attributes = {}, tag = element.tagName.toLowerCase(), [x, y] = placeOf(element);
  for (const name of ATTRIBUTES) if (element.hasAttribute(name)) attributes[name] = plain(element.getAttribute(name), 200);
  const kept = { tag, attributes, text: textOf(element), path: pathOf(element).join(">").slice(0, 500), context: contextOf(element), card: cardOf(element), x, y };
  const equals = equalsOf(sameTag(tag), kept);
  return { ...kept, twins: equals.length, turn: equals.indexOf(element) };
};

const weigh = (element, kept, path) => {
  let named = 0, sure = false;
  for (const name of ATTRIBUTES) {
    const before = kept.attributes[name], now = element.getAttribute(name);
    if (before === undefined) continue;
    const isSame = plain(now, 200) === before;
    named += isSame ? (SURE.has(name) ? 4 : 1) : now !== null && SURE.has(name) ? -2 : 0;
    sure = sure || (isSame && SURE.has(name));
  }
  const [x, y] = placeOf(element), now = pathOf(element);
  let same = 0;
  while (same < path.length && now[same] === path[same]) same++;
  return {
    element, named, sure, text: likeness(textOf(element), kept.text), context: likeness(contextOf(element), kept.context), card: likeness(cardOf(element), kept.card),
    place: same / Math.max(path.length, now.length) + Math.max(0, 0.5 - Math.hypot(x - kept.x, y - kept.y)),
  };
};
// What all have in common tells none apart.
const rarity = (all, signal) => {
  const most = Math.max(...all.map((one) => one[signal]));
  return all.length < 2 ? 1 : 1 - (all.filter((one) => one[signal] > most - 0.1).length - 1) / (all.length - 1);
};

export const locate = (kept) => {
  const found = sameTag(kept.tag);
  const equals = equalsOf(found, kept);
  if (equals.length) {
    const ids = equals.filter((element) => [...SURE].some((name) => kept.attributes[name] && plain(element.getAttribute(name), 200) === kept.attributes[name]));
    if (ids.length === 1) return ids[0];
    return equals.length === kept.twins ? equals[kept.turn] : null;
  }
  const path = kept.path.split(">");
  const all = found.map((element) => weigh(element, kept, path));
  if (!all.length) return null;
  const rareContext = rarity(all, "context"), rareCard = rarity(all, "card");
  for (const one of all) {
    one.stands = Math.max(one.context * rareContext, one.card * rareCard);
    one.score = one.named + 4 * one.text + 2 * one.context * rareContext + 2 * one.card * rareCard + one.place;
  }
  all.sort((a, b) => b.score - a.score);
  const [best, second] = all;
  if (best.sure) return best.text >= 0.3 || best.stands >= 0.5 || !kept.text ? best.element : null;
  // A twin elsewhere is no answer: where many say the same, what surrounds it must tell.
  const isAlone = !all.some((one) => one !== best && one.text > best.text - 0.15);
  const isNamed = best.named > 0 && !(second && second.named >= best.named);
  if (!kept.text) return isNamed || best.stands >= 0.6 ? best.element : null;
  if (best.text >= 0.5 && isAlone) return best.element;
  if (best.text >= 0.5) return best.stands >= 0.5 ? best.element : null;
  return best.card * rareCard >= (isNamed ? 0.6 : 0.8) ? best.element : null;
};
