// Comments on the page: a button, pins at elements; the rest comes when it is asked for.
const GERMAN = navigator.language.toLowerCase().startsWith("de");
const say = (english, german) => (GERMAN ? german : english);
const API = "/_greenroom/comments";
const here = () => location.pathname + location.search;
const STYLE = `:host{all:initial}*{box-sizing:border-box;font:15px/1.45 system-ui,sans-serif}
button{min-height:44px;min-width:44px;border:1px solid #2f7d5b;border-radius:22px;background:#fff;color:#22634a;padding:0 16px;cursor:pointer;font-weight:600}
button.first,.pin{background:#2f7d5b;color:#fff}:focus-visible{outline:3px solid #f0b429;outline-offset:2px}
.bar{position:fixed;right:12px;bottom:12px;display:flex;gap:8px;z-index:2147483646;box-shadow:0 2px 14px #0004;border-radius:24px}
.pin{position:absolute;z-index:2147483645;border:2px solid #fff;min-width:32px;min-height:32px;width:32px;height:32px;border-radius:16px 16px 16px 2px;padding:0;box-shadow:0 1px 6px #0006}
.pin::after{content:"";position:absolute;inset:-8px}`;
let page = here(), threads = [], me = {}, places = new Map(), layer, host, root, drawn = "", tools;

const make = (tag, given = {}, ...inside) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given))
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  made.append(...inside);
  return made;
};
const dress = (style) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
};
const ask = async (path, body, type) => {
  const sent = { method: "POST", headers: { "Content-Type": type || "application/json" }, body: type ? body : JSON.stringify(body) };
  const answer = await fetch(API + path, body === undefined ? {} : sent);
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.detail || say("This did not work. Please try again.", "Das ging nicht. Bitte noch einmal."));
  return told;
};
const draw = () => {
  const wanted = threads.filter((thread) => thread.state !== "resolved" && places.get(thread.id)?.isConnected).map((thread) => {
    const at = places.get(thread.id).getBoundingClientRect();
    return [thread, Math.round(at.left + scrollX), Math.round(Math.max(0, at.top + scrollY - 14)), at.width || at.height];
  }).filter(([, , , size]) => size);
  const key = JSON.stringify(wanted.map(([thread, x, y]) => [thread.id, x, y]));
  if (key === drawn) return;
  drawn = key;
  layer.querySelectorAll(".pin").forEach((pin) => pin.remove());
  for (const [thread, x, y] of wanted) {
    const pin = make("button", { class: "pin", "aria-label": say("Comment ", "Kommentar ") + thread.number, onclick: () => more("show", thread) }, String(thread.number));
    Object.assign(pin.style, { left: `${x}px`, top: `${y}px` });
    layer.append(pin);
  }
};
const place = () => {
  places = new Map(threads.map((thread) => [thread.id, locate(thread.anchor)]));
  drawn = "";
  draw();
};
// Told once a page: one that was loaded before a deployment must not contradict newer ones for ever.
const tellPlaces = () => {
  for (const thread of threads) {
    const found = Boolean(places.get(thread.id));
    if (thread.state !== "resolved" && found !== (thread.state === "open")) ask(`/${thread.id}/place`, { found }).catch(() => {});
  }
};
const load = async () => {
  const asked = (page = here());
  const told = await ask(`?page=${encodeURIComponent(asked)}`);
  if (asked !== page) return;
  threads = told.threads;
  me = told;
  place();
};
const now = () => ({ page, threads, me, places });
const fetchMore = () => (tools ||= import("/_greenroom/overlay.js?more").then((found) => found.attach({ API, say, make, dress, ask, load, now, describe, layer, host })));
const more = async (what, ...given) => (await fetchMore())[what](...given);
const start = async () => {
  if (sessionStorage.getItem("greenroom-off") || host) return;
  host = make("div", { id: "greenroom-comments" });
  Object.assign(host.style, { position: "absolute", left: "0", top: "0" });
  root = host.attachShadow({ mode: "closed" });
  dress(STYLE);
  layer = root.appendChild(make("div"));
  document.documentElement.append(host);
  await load();
  setTimeout(() => { tellPlaces(); fetchMore(); }, 1500);
  layer.append(make("div", { class: "bar", onpointerenter: fetchMore, onfocusin: fetchMore },
    make("button", { class: "first", onclick: () => more("begin") }, say("Comment", "Kommentar")),
    make("button", { onclick: () => more("list"), "aria-label": say("All comments", "Alle Kommentare") }, "☰"),
    ...(me.may_approve ? [make("button", { onclick: () => location.assign("/_greenroom/review?page=" + encodeURIComponent(location.pathname)) }, say("Approve…", "Freigeben…"))] : [])));
  addEventListener("resize", draw);
  setInterval(() => (page === here() ? draw() : load().catch(() => {})), 500);
  let late;
  new MutationObserver(() => { clearTimeout(late); late = setTimeout(place, 400); }).observe(document.body, { childList: true, subtree: true });
  new EventSource(`${API}/events`).addEventListener("change", load);
  const asked = threads.find((thread) => location.hash === `#greenroom-${thread.number}`);
  if (asked) { places.get(asked.id)?.scrollIntoView({ block: "center" }); more("show", asked); }
};
if (document.readyState === "complete") start().catch(() => host?.remove());
else addEventListener("load", () => start().catch(() => host?.remove()));
