// Shows a comparison: both sides aligned row by row, so that what moved down lies beside itself.
// Used by the console (with decisions) and by the page that is sent (without). Nothing is loaded
// but the pictures; every text is set as text.
const MODES = [['side', 'Side by side'], ['slider', 'Slider'], ['overlay', 'Overlay'],
  ['flicker', 'Flicker'], ['difference', 'Difference']];
const ASKED = ['changed', 'new', 'gone', 'rejected', 'approved'];
const FLICKER_MS = 600, LARGEST = 8;

function make(tag, name, parent, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

class Viewer {
  constructor(root, data, say) {
    this.root = root; this.say = say; this.mode = 'side'; this.zoom = 0; this.at = 0; this.split = 50;
    this.opacity = 50; this.together = false; this.change = -1; this.only = '';
    this.asked = []; // what was decided here and is not yet known to be kept
    this.key = event => this.press(event);
    document.addEventListener('keydown', this.key);
    this.resized = new ResizeObserver(() => this.scale());
    this.resized.observe(root);
    this.give(data);
  }

  give(data) {
    const seen = this.page && `${this.page.path} ${this.page.state} ${this.page.viewport} ${this.page.scheme}`;
    this.data = data;
    this.asked = this.asked.filter(one => !data.heard.includes(one.id));
    for (const {verdict, signature} of this.asked.filter(one => one.signature))
      for (const page of data.pages) for (const change of page.changes) if (change.signature === signature) change.said = verdict;
    const found = data.pages.findIndex(p => `${p.path} ${p.state} ${p.viewport} ${p.scheme}` === seen);
    const first = data.pages.findIndex(p => ASKED.includes(p.verdict) || p.verdict === 'failed');
    this.at = found >= 0 ? found : Math.max(0, first);
    this.page = data.pages[this.at];
    this.draw(found >= 0);
  }

  end() { document.removeEventListener('keydown', this.key); this.resized.disconnect(); clearInterval(this.timer); }

  // --- what is around the picture ---------------------------------------------------------------
  draw(keep) {
    const scrolled = keep && this.stage ? [this.stage.scrollLeft, this.stage.scrollTop] : [0, 0];
    this.root.replaceChildren();
    const frame = make('div', 'gv', this.root);
    this.list(make('nav', 'gv-list', frame));
    const main = make('div', 'gv-main', frame);
    this.bar(make('div', 'gv-bar', main));
    this.stage = make('div', 'gv-stage', main);
    this.stage.tabIndex = 0;
    this.told = make('div', 'gv-told', main);
    this.show();
    [this.stage.scrollLeft, this.stage.scrollTop] = scrolled;
  }

  list(nav) {
    const counts = {};
    this.data.pages.forEach(p => { counts[p.verdict] = (counts[p.verdict] || 0) + 1; });
    const filter = make('div', 'gv-filter', nav);
    for (const [word, number] of [['', this.data.pages.length], ...Object.entries(counts)]) {
      const one = make('button', this.only === word ? 'on' : '', filter, `${word || 'all'} ${number}`);
      one.onclick = () => { this.only = word; this.draw(true); };
    }
    const strip = make('div', 'gv-strip', nav);
    this.data.pages.forEach((page, index) => {
      if (this.only && page.verdict !== this.only) return;
      const item = make('button', `gv-item ${index === this.at ? 'on' : ''}`, strip);
      item.setAttribute('aria-current', String(index === this.at));
      const side = page.after || page.before;
      const shown = make('span', 'gv-thumb', item);
      if (side) { const img = make('img', '', shown); img.loading = 'lazy'; img.alt = ''; img.src = side.thumb; }
      const words = make('span', 'gv-words', item);
      make('b', '', words, page.path + (page.state ? ` · ${page.state}` : ''));
      make('small', '', words, page.viewport + (page.scheme === 'dark' ? ' · dark' : ''));
      make('i', `gv-verdict ${page.verdict}`, words, page.verdict);
      item.onclick = () => this.open(index);
    });
    requestAnimationFrame(() => { const on = strip.querySelector('.on');
      if (on) on.scrollIntoView({block: 'nearest', inline: 'nearest'}); });
  }

  bar(bar) {
    const modes = make('div', 'gv-group', bar);
    MODES.forEach(([mode, name], index) => {
      const one = make('button', this.mode === mode && !this.together ? 'on' : '', modes, name);
      one.title = `${name} (${index + 1})`; one.dataset.mode = mode;
      one.onclick = () => { this.mode = mode; this.together = false; this.draw(true); };
    });
    const sizes = make('div', 'gv-group', bar);
    for (const [zoom, name, title] of [[0, 'Fit', 'Fit the width (0)'], [1, '1:1', 'A pixel a pixel (z)']]) {
      const one = make('button', this.zoom === zoom ? 'on' : '', sizes, name);
      one.title = title; one.onclick = () => this.magnify(zoom);
    }
    make('button', '', sizes, '−').onclick = () => this.magnify(this.factor / 1.5);
    make('button', '', sizes, '+').onclick = () => this.magnify(this.factor * 1.5);
    const all = make('button', this.together ? 'on' : '', make('div', 'gv-group', bar), 'All widths');
    all.title = 'Every width of this page beside each other (v)';
    all.onclick = () => { this.together = !this.together; this.draw(true); };
    const steps = make('div', 'gv-group', bar);
    const back = make('button', '', steps, '‹'); back.title = 'Previous change (p)'; back.onclick = () => this.step(-1);
    this.where = make('span', 'gv-where', steps);
    const next = make('button', '', steps, '›'); next.title = 'Next change (n)'; next.onclick = () => this.step(1);
    if (this.data.can) {
      const words = make('div', 'gv-group gv-decide', bar);
      for (const [verdict, name, key] of [['approved', 'Approve', 'a'], ['rejected', 'Reject', 'r']]) {
        const one = make('button', verdict, words, name);
        one.title = `${name} this change, wherever it shows (${key})`;
        one.onclick = () => this.decide(verdict, 'change');
      }
      const more = make('select', '', words); more.setAttribute('aria-label', 'More decisions');
      for (const [value, name] of [['', 'More…'], ['approved page', 'Approve this page'], ['rejected page', 'Reject this page'],
        ['approved run', 'Approve everything'], ['rejected run', 'Reject everything'], ['ignore element', 'Ignore this element from now on'],
        ['ignore box', 'Ignore this place from now on']]) make('option', '', more, name).value = value;
      more.onchange = () => { const [verdict, scope] = more.value.split(' '); more.value = '';
        if (verdict === 'ignore') this.ignore(scope); else if (verdict) this.decide(verdict, scope); };
    }
  }

  // --- the pictures -----------------------------------------------------------------------------
  bands(page) {
    if (page.rows && page.rows.length) return page.rows;
    const height = Math.max(page.before ? page.before.height : 0, page.after ? page.after.height : 0);
    return [[0, 0, height, 'same']];
  }

  rowsOf(page, side) { // where each run of rows lies: [from in the picture, height, from in the view]
    let y = 0;
    return this.bands(page).map(([before, after, height, kind]) => {
      const absent = (kind === 'inserted' && side === 'before') || (kind === 'removed' && side === 'after');
      const row = [side === 'before' ? before : after, height, y, absent];
      y += height;
      return row;
    });
  }

  placed(page, side, y) {
    for (const [from, height, top, absent] of this.rowsOf(page, side))
      if (!absent && y >= from && y <= from + height) return top + y - from;
    return y;
  }

  layer(page, side, parent) {
    const picture = page[side], made = make('div', `gv-layer ${side}`, parent);
    if (!picture) { make('p', 'gv-none', made, side === 'before' ? 'Not on production' : 'Not here'); return made; }
    made.style.width = `${picture.width}px`;
    let last = null;
    for (const [from, height, top, absent] of this.rowsOf(page, side)) {
      if (!absent && last && last.from + last.height === from) { // one piece as long as nothing is between
        last.height += height; last.piece.style.height = `${last.height}px`; continue;
      }
      const piece = make('div', absent ? 'gv-gap' : 'gv-piece', made);
      piece.style.cssText = `top:${top}px;height:${height}px;width:${picture.width}px`;
      if (!absent) { piece.style.backgroundImage = `url("${picture.url}")`;
        piece.style.backgroundPosition = `0 ${-from}px`; piece.style.backgroundSize = `${picture.width}px auto`; }
      last = absent ? null : {from, height, piece};
    }
    made.style.height = `${this.bands(page).reduce((sum, row) => sum + row[2], 0)}px`;
    for (const box of (page.masked && page.masked[side]) || []) this.box(page, side, box, 'gv-mask', made);
    page.changes.forEach((change, index) => {
      const box = change[side];
      if (!box) return;
      const drawn = this.box(page, side, [box.left, box.top, box.width, box.height],
        `gv-box ${change.kind} ${change.said || ''} ${page === this.page && index === this.change ? 'on' : ''}`, made);
      make('span', '', drawn, String(index + 1));
      drawn.onclick = () => { if (page !== this.page) this.open(this.data.pages.indexOf(page), index); else this.pick(index, false); };
    });
    return made;
  }

  box(page, side, [left, top, width, height], name, parent) {
    const drawn = make('div', name, parent);
    drawn.style.cssText = `left:${left}px;top:${this.placed(page, side, top)}px;width:${width}px;height:${height}px`;
    return drawn;
  }

  show() {
    clearInterval(this.timer);
    this.stage.replaceChildren();
    const page = this.page;
    if (!page) { make('p', 'gv-none', this.stage, 'Nothing was compared.'); return; }
    const sheet = this.sheet = make('div', 'gv-sheet', this.stage);
    if (this.together) this.widths(sheet);
    else if (!page.before && !page.after) make('p', 'gv-none', this.stage, page.failure || 'There is no picture.');
    else if (this.mode === 'side' || !page.before || !page.after) {
      for (const side of ['before', 'after']) this.column(page, side, sheet, side === 'before' ? 'Production' : 'Here');
    } else this.stack(page, sheet);
    this.scale(); this.tell();
  }

  column(page, side, sheet, name) {
    const column = make('div', 'gv-column', sheet);
    make('span', 'gv-name', column, name);
    const layer = this.layer(page, side, column);
    if (!page[side]) layer.style.width = `${(page.before || page.after || {width: 300}).width}px`;
  }

  widths(sheet) {
    for (const page of this.data.pages.filter(p => p.path === this.page.path && p.state === this.page.state && p.scheme === this.page.scheme))
      this.column(page, page.after ? 'after' : 'before', sheet, page.viewport);
  }

  stack(page, sheet) {
    const pile = make('div', `gv-pile ${this.mode}`, sheet);
    const below = this.layer(page, 'before', pile), above = this.layer(page, 'after', pile);
    pile.style.width = `${Math.max(page.before.width, page.after.width)}px`; pile.style.height = below.style.height;
    if (this.mode === 'overlay') {
      above.style.opacity = this.opacity / 100;
      this.knob(this.opacity, value => { this.opacity = value; above.style.opacity = value / 100; }, 'How much of here is seen');
    } else if (this.mode === 'slider') {
      const line = make('div', 'gv-line', pile);
      const cut = value => { this.split = value; above.style.clipPath = `inset(0 0 0 ${value}%)`; line.style.left = `${value}%`; };
      const drag = event => { const r = pile.getBoundingClientRect();
        cut(Math.min(100, Math.max(0, 100 * (event.clientX - r.left) / r.width))); };
      line.onpointerdown = event => { line.setPointerCapture(event.pointerId); line.onpointermove = drag; event.preventDefault(); };
      line.onpointerup = () => { line.onpointermove = null; };
      this.knob(this.split, cut, 'Where here begins'); cut(this.split);
    } else if (this.mode === 'flicker') {
      let on = true;
      this.timer = setInterval(() => { on = !on; above.style.visibility = on ? '' : 'hidden'; }, FLICKER_MS);
    }
  }

  knob(value, change, name) {
    const knob = make('input', 'gv-knob', this.stage); knob.type = 'range'; knob.min = 0; knob.max = 100; knob.value = value;
    knob.setAttribute('aria-label', name); knob.oninput = () => change(Number(knob.value));
  }

  scale() {
    if (!this.sheet || !this.sheet.isConnected) return;
    const gap = 12, columns = [...this.sheet.querySelectorAll(':scope > .gv-column > .gv-layer')];
    const pile = this.sheet.querySelector('.gv-pile');
    const inner = pile ? parseFloat(pile.style.width) : columns.reduce((sum, c) => sum + (parseFloat(c.style.width) || 0), 0);
    const room = this.stage.clientWidth - gap * (Math.max(1, columns.length) - 1) - 2;
    this.factor = this.zoom || Math.min(1, Math.max(.02, room / Math.max(1, inner)));
    this.sheet.style.setProperty('--zoom', this.factor);
    this.sheet.classList.toggle('near', this.factor >= 2);
    for (const one of pile ? [pile] : columns) { // what is scaled takes no room: its frame does
      one.style.transform = `scale(${this.factor})`;
      const [w, h] = [parseFloat(one.style.width) * this.factor, parseFloat(one.style.height) * this.factor];
      one.parentElement.style.width = `${w}px`; one.parentElement.style.height = `${h}px`;
    }
    if (pile) this.sheet.style.width = `${parseFloat(pile.style.width) * this.factor}px`; else this.sheet.style.width = '';
  }

  magnify(zoom) {
    const old = this.factor || 1, stage = this.stage;
    const middle = [(stage.scrollLeft + stage.clientWidth / 2) / old, (stage.scrollTop + stage.clientHeight / 2) / old];
    this.zoom = zoom ? Math.min(LARGEST, Math.max(.05, zoom)) : 0;
    this.draw(true);
    stage === this.stage || [0].forEach(() => { this.stage.scrollLeft = middle[0] * this.factor - this.stage.clientWidth / 2;
      this.stage.scrollTop = middle[1] * this.factor - this.stage.clientHeight / 2; });
  }

  // --- changes ----------------------------------------------------------------------------------
  tell() {
    const page = this.page, change = page.changes[this.change];
    this.told.replaceChildren();
    const head = make('div', 'gv-head', this.told);
    make('i', `gv-verdict ${page.verdict}`, head, page.verdict);
    make('b', '', head, `${page.path}${page.state ? ' · ' + page.state : ''}`);
    make('span', '', head, `${page.viewport}${page.scheme === 'dark' ? ' · dark' : ''}`);
    if (page.failure) make('p', 'gv-failure', this.told, page.failure);
    for (const note of page.notes || []) make('p', 'gv-note', this.told, note);
    const list = make('ol', '', this.told);
    page.changes.forEach((one, index) => {
      const item = make('li', index === this.change ? 'on' : '', list);
      make('span', '', item, one.told);
      if (one.where) make('code', '', item, one.where);
      if (one.said) make('i', `gv-verdict ${one.said}`, item, one.said);
      item.onclick = () => this.pick(index);
    });
    if (page.left_out) make('p', 'gv-note', this.told, `and ${page.left_out} more`);
    this.where.textContent = page.changes.length ? `${this.change + 1} of ${page.changes.length}` : '–';
    return change;
  }

  pick(index, move = true) {
    this.change = index;
    for (const side of ['before', 'after'])
      this.stage.querySelectorAll(`.gv-layer.${side} .gv-box`).forEach(box =>
        box.classList.toggle('on', box.firstChild.textContent === String(index + 1)));
    const change = this.tell(), side = change && (change.after ? 'after' : 'before');
    if (!change || !move) return;
    const box = change[side], top = this.placed(this.page, side, box.top) * this.factor;
    this.stage.scrollTo({top: Math.max(0, top - this.stage.clientHeight / 3), left: this.zoom ? Math.max(0, box.left * this.factor - 80) : 0});
  }

  step(by) {
    const to = this.change + by;
    if (to >= 0 && to < this.page.changes.length) return this.pick(to);
    for (let next = this.at + by; next >= 0 && next < this.data.pages.length; next += by)
      if (ASKED.includes(this.data.pages[next].verdict) && (!this.only || this.data.pages[next].verdict === this.only)) {
        const count = this.data.pages[next].changes.length;
        return this.open(next, count ? (by > 0 ? 0 : count - 1) : -1);
      }
  }

  open(index, change = -1) {
    this.at = index; this.page = this.data.pages[index]; this.change = change;
    this.draw(); if (change >= 0) this.pick(change);
  }

  decide(verdict, scope) {
    if (!this.data.can || !ASKED.includes(this.page.verdict) && scope !== 'run') return;
    const change = this.page.changes[this.change];
    if (scope === 'change' && this.page.changes.length && !change) return this.pick(0);
    const signature = scope === 'change' && change ? change.signature : '';
    this.ask({verdict, path: scope === 'run' ? '' : signature ? '' : this.page.path, signature, number: this.data.number});
    if (change && scope === 'change') { change.said = verdict; this.step(1); }
  }

  ignore(scope) {
    const change = this.page.changes[this.change];
    if (!change) return this.pick(0);
    const box = change.after || change.before;
    // By its number among its siblings, what came or went would be another element on the other side.
    const isNamed = /^[#[]/.test(change.selector) || !['inserted', 'removed'].includes(change.kind);
    this.ask(scope === 'element' && isNamed ? {page: this.page.path, selector: change.selector}
      : {page: this.page.path, viewport: this.page.viewport, box: [box.left, box.top, box.width, box.height]});
  }

  ask(what) { // a word that comes while another is heard replaces it: so each holds all that came before
    this.asked.push({...what, id: `${Date.now()}-${Math.random()}`});
    this.say('asked', this.asked);
  }

  press(event) {
    const at = event.composedPath()[0];
    if (!this.root.isConnected) return this.end();
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) && at.type !== 'range'
      || at.isContentEditable) return;
    const mode = MODES[Number(event.key) - 1];
    const acts = {n: () => this.step(1), p: () => this.step(-1), a: () => this.decide('approved', 'change'),
      r: () => this.decide('rejected', 'change'), v: () => { this.together = !this.together; this.draw(true); },
      z: () => this.magnify(this.zoom === 1 ? 0 : 1), 0: () => this.magnify(0)};
    if (mode) { this.mode = mode[0]; this.together = false; this.draw(true); } else if (acts[event.key]) acts[event.key]();
    else return;
    event.preventDefault(); event.stopPropagation();
  }
}
