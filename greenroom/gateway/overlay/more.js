// What the overlay's button opens: threads, the list, choosing a place, writing, boxes, pictures.
const STYLE = `.box{position:absolute;z-index:2147483644;border:2px solid #2f7d5b;background:#2f7d5b22;border-radius:4px;pointer-events:none}
.panel{position:fixed;right:12px;bottom:68px;width:min(360px,calc(100vw - 24px));max-height:min(70vh,560px);overflow:auto;background:#fff;color:#1c2321;border-radius:14px;padding:16px;z-index:2147483647;box-shadow:0 6px 40px #0005}
.panel h2{font-size:17px;font-weight:700;margin:0 0 8px}.who{font-weight:600;margin:10px 0 0}.when{color:#5c6663;font-weight:400;font-size:13px}
p{margin:2px 0 8px;white-space:pre-wrap;overflow-wrap:anywhere}textarea{width:100%;min-height:84px;padding:10px;border:1px solid #8a9591;border-radius:8px;resize:vertical;color:#1c2321;background:#fff}
.row{display:flex;flex-wrap:wrap;gap:8px;margin-top:8px}.wrong{color:#a5321a}.item{display:block;width:100%;text-align:left;border-radius:8px;border-color:#dfe4e1;color:#1c2321;margin:6px 0;padding:8px 12px;font-weight:400;height:auto}
a,label{color:#22634a}label.file{display:inline-flex;align-items:center;min-height:44px;cursor:pointer;font-weight:600}label.file:focus-within{outline:3px solid #f0b429}
label.file input{position:absolute;width:1px;height:1px;opacity:0}.hint{position:fixed;left:50%;top:12px;transform:translateX(-50%);background:#1c2321;color:#fff;border-radius:8px;padding:8px 14px;z-index:2147483647;pointer-events:none;width:max-content;max-width:80vw}`;

export const attach = ({ API, say, make, dress, ask, load, now, describe, layer, host }) => {
  dress(STYLE);
  let panel = null, picking = false, box = null, from = null, drawnBox = null;
  const close = () => { panel?.remove(); panel = null; unmark(); };
  const open = (title, ...inside) => {
    const marked = box;
    box = null;
    close();
    box = marked;
    panel = make("section", { class: "panel", role: "dialog", "aria-label": title, tabindex: "-1" }, make("h2", {}, title), ...inside);
    layer.append(panel);
    (panel.querySelector("textarea") || panel).focus();
  };
  const unmark = () => { box?.remove(); box = null; };
  // A file is sent as it is; the server makes a plain picture of it.
  const picker = () => {
    const field = make("input", { type: "file", accept: "image/png,image/jpeg,image/webp" });
    const name = make("span", {}, say("Add a picture", "Bild anfügen"));
    field.addEventListener("change", () => { name.textContent = field.files[0]?.name || say("Add a picture", "Bild anfügen"); });
    return [make("label", { class: "file" }, field, name), async () => {
      const file = field.files[0];
      return file ? [{ digest: (await ask("/files", file, file.type)).digest, name: file.name.slice(0, 80) }] : [];
    }];
  };
  const form = (label, send) => {
    const field = make("textarea", { "aria-label": label, placeholder: label, maxlength: "2000" });
    const wrong = make("p", { class: "wrong", role: "alert" });
    const [pick, upload] = picker();
    const button = make("button", { class: "first", onclick: async () => {
      if (!field.value.trim()) return field.focus();
      button.disabled = true;
      try { await send(field.value, await upload()); } catch (error) { wrong.textContent = error.message; button.disabled = false; }
    } }, say("Send", "Senden"));
    return [field, wrong, pick, make("div", { class: "row" }, button, make("button", { onclick: () => { end(); close(); } }, say("Cancel", "Abbrechen")))];
  };
  const show = (thread) => {
    const said = thread.comments.flatMap((one) => [
      make("p", { class: "who" }, one.author, make("span", { class: "when" }, " · " + new Date(one.at).toLocaleString())), make("p", {}, one.text),
      ...(one.files || []).map((file) => make("p", {}, make("a", { href: `${API}/files/${file.digest}`, target: "_blank", rel: "noopener" }, `▣ ${file.name}`)))]);
    const isDone = thread.state === "resolved";
    const settle = make("button", { onclick: async () => { await ask(`/${thread.id}/resolve`, { resolved: !isDone }); await load(); close(); } },
      isDone ? say("Open again", "Wieder öffnen") : say("Resolve", "Erledigt"));
    const seen = thread.picture && make("p", {}, make("a", { href: `${API}/files/${thread.picture}`, target: "_blank", rel: "noopener" }, say("What it looked like", "Wie es aussah")));
    open(`#${thread.number}`, ...said, ...(seen ? [seen] : []), ...form(say("Reply", "Antworten"), async (text, files) => {
      await ask(`/${thread.id}/replies`, { text, files }); await load(); show(now().threads.find((one) => one.id === thread.id)); }), make("div", { class: "row" }, settle));
    unmark();
    const element = now().places.get(thread.id);
    if (element && thread.anchor.box) outline(partOf(element, thread.anchor.box));
  };
  const list = () => {
    const { page, threads, me, places } = now();
    const item = (thread) => make("button", { class: "item", onclick: () => { places.get(thread.id)?.scrollIntoView({ block: "center" }); show(thread); } },
      `#${thread.number} ${thread.comments[0].author}: ${thread.comments[0].text.slice(0, 80)}` +
      (thread.state === "resolved" ? say(" (resolved)", " (erledigt)") : places.get(thread.id) ? "" : say(" (its place is gone)", " (Stelle nicht mehr da)")));
    const others = Object.entries(me.pages || {}).filter(([other]) => other !== page).map(([other, count]) => make("p", {}, make("a", { href: other }, other), ` ${count}`));
    const isFramed = window.top !== window;
    open(say("Comments", "Kommentare"), ...threads.map(item),
      ...(threads.length ? [] : [make("p", {}, say("Nothing was said about this page yet.", "Zu dieser Seite wurde noch nichts gesagt."))]),
      ...(others.length ? [make("p", { class: "who" }, say("Other pages", "Andere Seiten")), ...others] : []),
      ...(isFramed ? [] : [make("p", { class: "who" }, make("a", { href: `/_greenroom/devices?page=${encodeURIComponent(page)}` }, say("On phone, tablet and desktop", "Auf Handy, Tablet und Desktop"))),
        make("p", { class: "who" }, make("a", { href: `/_greenroom/beside?page=${encodeURIComponent(page)}` }, say("Today's site beside it", "Die heutige Seite daneben")))]),
      make("div", { class: "row" }, make("button", { onclick: close }, say("Close", "Schließen")),
        make("button", { onclick: () => { sessionStorage.setItem("greenroom-off", "1"); host.remove(); } }, say("Hide for now", "Vorerst ausblenden"))));
  };
  const isOurs = (event) => event.composedPath().includes(host);
  const begin = () => {
    if (picking) return end();
    close();
    picking = true;
    const words = matchMedia("(pointer: coarse)").matches
      ? say("Tap what you mean. Comment, tapped again, ends it.", "Tippen Sie auf die Stelle. Noch einmal auf Kommentar beendet es.")
      : say("Click what you mean, or draw a box. Escape ends it.", "Klicken Sie auf die Stelle, oder ziehen Sie einen Rahmen. Escape beendet es.");
    layer.append(make("div", { class: "hint", role: "status" }, words));
  };
  const end = () => { picking = false; from = null; unmark(); layer.querySelector(".hint")?.remove(); };
  const outline = ({ left, top, width, height }) => {
    box ||= layer.appendChild(make("div", { class: "box" }));
    Object.assign(box.style, { left: `${left + scrollX}px`, top: `${top + scrollY}px`, width: `${width}px`, height: `${height}px` });
  };
  const partOf = (element, [x, y, width, height]) => {
    const at = element.getBoundingClientRect();
    return { left: at.left + x * at.width, top: at.top + y * at.height, width: width * at.width, height: height * at.height };
  };
  const write = (element, part) => {
    const anchor = describe(element);
    picking = false;
    layer.querySelector(".hint")?.remove();
    const at = element.getBoundingClientRect();
    if (part && at.width && at.height) anchor.box = [(part.left - at.left) / at.width, (part.top - at.top) / at.height, part.width / at.width, part.height / at.height];
    outline(part || at);
    open(say("Your comment", "Ihr Kommentar"), ...form(say("What do you mean?", "Was meinen Sie?"), async (text, files) => {
      await ask("", { page: location.pathname + location.search, title: document.title, anchor, width: innerWidth, height: innerHeight, text, files });
      // Somebody may have gone on to another panel while it was sent.
      if (panel === written) { end(); close(); }
      await load(); }));
    const written = panel;
  };
  const drawn = (event) => ({ left: Math.min(from.x, event.clientX), top: Math.min(from.y, event.clientY), width: Math.abs(event.clientX - from.x), height: Math.abs(event.clientY - from.y) });
  // The smallest element that holds most of a box.
  const holderOf = (part) => {
    let element = document.elementFromPoint(part.left + part.width / 2, part.top + part.height / 2) || document.body;
    for (let at = element; at && at !== document.documentElement; at = at.parentElement) {
      const has = at.getBoundingClientRect();
      element = at;
      if (has.left <= part.left + 4 && has.top <= part.top + 4 && has.right >= part.left + part.width - 4 && has.bottom >= part.top + part.height - 4) break;
    }
    return element;
  };
  addEventListener("pointermove", (event) => {
    if (!picking || isOurs(event)) return;
    if (from && (Math.abs(event.clientX - from.x) > 8 || Math.abs(event.clientY - from.y) > 8)) outline(drawnBox = drawn(event));
    else if (!from) outline(event.target.getBoundingClientRect());
  }, true);
  for (const kind of ["click", "mousedown", "mouseup", "pointerdown", "pointerup", "dragstart", "submit"])
    addEventListener(kind, (event) => {
      if (!picking || isOurs(event)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (kind === "pointerdown" && event.pointerType !== "touch") { from = { x: event.clientX, y: event.clientY }; drawnBox = null; }
      if (kind !== "click") return;
      const part = drawnBox;
      from = drawnBox = null;
      write(part ? holderOf(part) : event.target, part);
    }, true);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") { end(); close(); }
    if (event.key === "Enter" && picking && !isOurs(event) && document.activeElement !== document.body) { event.preventDefault(); write(document.activeElement); }
  }, true);
  return { begin, list, show };
};
