// Comments on the page: a button, pins at elements, threads. Text only, in a closed shadow root.
const GERMAN = navigator.language.toLowerCase().startsWith("de");
const say = (english, german) => (GERMAN ? german : english);
const API = "/_greenroom/comments";
const page = location.pathname + location.search;
const STYLE = `:host{all:initial}*{box-sizing:border-box;font:15px/1.45 system-ui,sans-serif}
button{min-height:44px;min-width:44px;border:1px solid #2f7d5b;border-radius:22px;background:#fff;color:#22634a;padding:0 16px;cursor:pointer;font-weight:600}
button.first,.pin{background:#2f7d5b;color:#fff}:focus-visible{outline:3px solid #f0b429;outline-offset:2px}
.bar{position:fixed;right:12px;bottom:12px;display:flex;gap:8px;z-index:2147483646;box-shadow:0 2px 14px #0004;border-radius:24px}
.pin{position:absolute;z-index:2147483645;border:2px solid #fff;min-width:32px;min-height:32px;width:32px;height:32px;border-radius:16px 16px 16px 2px;padding:0;box-shadow:0 1px 6px #0006}
.pin::after{content:"";position:absolute;inset:-8px}.pin.done{background:#7b8783}
.box{position:absolute;z-index:2147483644;border:2px solid #2f7d5b;background:#2f7d5b22;border-radius:4px;pointer-events:none}
.panel{position:fixed;right:12px;bottom:68px;width:min(360px,calc(100vw - 24px));max-height:min(70vh,560px);overflow:auto;background:#fff;color:#1c2321;border-radius:14px;padding:16px;z-index:2147483647;box-shadow:0 6px 40px #0005}
.panel h2{font-size:17px;font-weight:700;margin:0 0 8px}.who{font-weight:600;margin:10px 0 0}.when{color:#5c6663;font-weight:400;font-size:13px}
p{margin:2px 0 8px;white-space:pre-wrap;overflow-wrap:anywhere}textarea{width:100%;min-height:84px;padding:10px;border:1px solid #8a9591;border-radius:8px;resize:vertical;color:#1c2321;background:#fff}
.row{display:flex;flex-wrap:wrap;gap:8px;margin-top:8px}.wrong{color:#a5321a}.item{display:block;width:100%;text-align:left;border-radius:8px;border-color:#dfe4e1;color:#1c2321;margin:6px 0;padding:8px 12px;font-weight:400;height:auto}
a{color:#22634a}.hint{position:fixed;left:50%;top:12px;transform:translateX(-50%);background:#1c2321;color:#fff;border-radius:8px;padding:8px 14px;z-index:2147483647;pointer-events:none}`;
let threads = [], me = {}, places = new Map(), panel = null, picking = false, layer, host, box, drawn = "";

const make = (tag, given = {}, ...inside) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given))
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else made.setAttribute(name, value);
  made.append(...inside);
  return made;
};
const ask = async (path, body) => {
  const answer = await fetch(API + path, body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.detail || say("This did not work. Please try again.", "Das ging nicht. Bitte noch einmal."));
  return told;
};
const close = () => { panel?.remove(); panel = null; };
const open = (title, ...inside) => {
  close();
  panel = make("section", { class: "panel", role: "dialog", "aria-label": title, tabindex: "-1" }, make("h2", {}, title), ...inside);
  layer.append(panel);
  (panel.querySelector("textarea") || panel).focus();
};
const form = (label, send) => {
  const field = make("textarea", { "aria-label": label, placeholder: label, maxlength: "2000" });
  const wrong = make("p", { class: "wrong", role: "alert" });
  const button = make("button", { class: "first", onclick: async () => {
    if (!field.value.trim()) return field.focus();
    button.disabled = true;
    try { await send(field.value); } catch (error) { wrong.textContent = error.message; button.disabled = false; }
  } }, say("Send", "Senden"));
  return [field, wrong, make("div", { class: "row" }, button, make("button", { onclick: close }, say("Cancel", "Abbrechen")))];
};
const show = (thread) => {
  const said = thread.comments.flatMap((one) => [
    make("p", { class: "who" }, one.author, make("span", { class: "when" }, " · " + new Date(one.at).toLocaleString())), make("p", {}, one.text)]);
  const isDone = thread.state === "resolved";
  const settle = make("button", { onclick: async () => { await ask(`/${thread.id}/resolve`, { resolved: !isDone }); await load(); close(); } },
    isDone ? say("Open again", "Wieder öffnen") : say("Resolve", "Erledigt"));
  open(`#${thread.number}`, ...said, ...form(say("Reply", "Antworten"), async (text) => {
    await ask(`/${thread.id}/replies`, { text }); await load(); show(threads.find((one) => one.id === thread.id)); }), make("div", { class: "row" }, settle));
};
const list = () => {
  const item = (thread) => make("button", { class: "item", onclick: () => { places.get(thread.id)?.scrollIntoView({ block: "center" }); show(thread); } },
    `#${thread.number} ${thread.comments[0].author}: ${thread.comments[0].text.slice(0, 80)}` +
    (thread.state === "resolved" ? say(" (resolved)", " (erledigt)") : places.get(thread.id) ? "" : say(" (its place is gone)", " (Stelle nicht mehr da)")));
  const others = Object.entries(me.pages || {}).filter(([other]) => other !== page).map(([other, count]) => make("p", {}, make("a", { href: other }, other), ` ${count}`));
  open(say("Comments", "Kommentare"), ...threads.map(item),
    ...(threads.length ? [] : [make("p", {}, say("Nothing was said about this page yet.", "Zu dieser Seite wurde noch nichts gesagt."))]),
    ...(others.length ? [make("p", { class: "who" }, say("Other pages", "Andere Seiten")), ...others] : []),
    make("div", { class: "row" }, make("button", { onclick: close }, say("Close", "Schließen")),
      make("button", { onclick: () => { sessionStorage.setItem("greenroom-off", "1"); host.remove(); } }, say("Hide for now", "Vorerst ausblenden"))));
};
const draw = () => {
  if (!layer) return;
  const wanted = threads.filter((thread) => thread.state !== "resolved" && places.get(thread.id)?.isConnected).map((thread) => {
    const at = places.get(thread.id).getBoundingClientRect();
    return [thread, Math.round(at.left + scrollX), Math.round(Math.max(0, at.top + scrollY - 14)), at.width || at.height];
  }).filter(([, , , size]) => size);
  const key = JSON.stringify(wanted.map(([thread, x, y]) => [thread.id, x, y]));
  if (key === drawn) return;
  drawn = key;
  layer.querySelectorAll(".pin").forEach((pin) => pin.remove());
  for (const [thread, x, y] of wanted) {
    const pin = make("button", { class: "pin", "aria-label": say("Comment ", "Kommentar ") + thread.number, onclick: () => show(thread) }, String(thread.number));
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
  const told = await ask(`?page=${encodeURIComponent(page)}`);
  threads = told.threads;
  me = told;
  place();
};
const isOurs = (event) => event.composedPath().includes(host);
const begin = () => {
  close();
  picking = true;
  layer.append(make("div", { class: "hint", role: "status" }, say("Tap what you mean. Escape ends it.", "Tippen Sie auf die Stelle. Escape beendet es.")));
};
const end = () => { picking = false; box?.remove(); box = null; layer.querySelector(".hint")?.remove(); };
const outline = (element) => {
  const at = element.getBoundingClientRect();
  box ||= layer.appendChild(make("div", { class: "box" }));
  Object.assign(box.style, { left: `${at.left + scrollX}px`, top: `${at.top + scrollY}px`, width: `${at.width}px`, height: `${at.height}px` });
};
const write = (element) => {
  const anchor = describe(element);
  picking = false;
  layer.querySelector(".hint")?.remove();
  outline(element);
  open(say("Your comment", "Ihr Kommentar"), ...form(say("What do you mean?", "Was meinen Sie?"), async (text) => {
    await ask("", { page, title: document.title, anchor, width: innerWidth, height: innerHeight, text });
    end(); close(); await load(); }));
  panel.querySelectorAll("button")[1].addEventListener("click", end);
};
const start = async () => {
  if (sessionStorage.getItem("greenroom-off") || host) return;
  host = make("div", { id: "greenroom-comments" });
  Object.assign(host.style, { position: "absolute", left: "0", top: "0" });
  const root = host.attachShadow({ mode: "closed" }), sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  layer = root.appendChild(make("div"));
  document.documentElement.append(host);
  await load();
  setTimeout(tellPlaces, 1500);
  layer.append(make("div", { class: "bar" },
    make("button", { class: "first", onclick: begin }, say("Comment", "Kommentar")),
    make("button", { onclick: list, "aria-label": say("All comments", "Alle Kommentare") }, "☰"),
    ...(me.may_approve ? [make("button", { onclick: () => location.assign("/_greenroom/review") }, say("Approve…", "Freigeben…"))] : [])));
  addEventListener("pointermove", (event) => { if (picking && !isOurs(event)) outline(event.target); }, true);
  for (const kind of ["click", "mousedown", "pointerdown", "submit"])
    addEventListener(kind, (event) => {
      if (!picking || isOurs(event)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (kind === "click") write(event.target);
    }, true);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") { end(); close(); }
    if (event.key === "Enter" && picking && !isOurs(event) && document.activeElement !== document.body) { event.preventDefault(); write(document.activeElement); }
  }, true);
  addEventListener("resize", draw);
  setInterval(draw, 500);
  let late;
  new MutationObserver(() => { clearTimeout(late); late = setTimeout(place, 400); }).observe(document.body, { childList: true, subtree: true });
  new EventSource(`${API}/events`).addEventListener("change", load);
  const asked = threads.find((thread) => location.hash === `#greenroom-${thread.number}`);
  if (asked) { places.get(asked.id)?.scrollIntoView({ block: "center" }); show(asked); }
};
if (document.readyState === "complete") start().catch(() => host?.remove());
else addEventListener("load", () => start().catch(() => host?.remove()));
