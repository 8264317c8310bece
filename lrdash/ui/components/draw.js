// The editor of a curve through points; see draw.py for what it gets.
const SVG = 'http://www.w3.org/2000/svg', PAD = {l: 60, r: 14, t: 12, b: 40}, ZERO = 26, GAP = .002;
const q = (v, name) => v.root.querySelector('.ld-' + name);
const make = (tag, parts, parent, text) => {
  const e = document.createElementNS(SVG, tag);
  for (const [k, x] of Object.entries(parts)) e.setAttribute(k, x);
  if (text != null) e.textContent = text;
  parent?.appendChild(e);
  return e;
};
const short = x => x === 0 ? '0' : Math.abs(x) < 1e-3
  ? x.toExponential(2).replace(/\.?0+e/, 'e') : String(+x.toPrecision(3));
const log = Math.log10;

// Shares and factors to pixels and back. Below the lowest decade lies a lane for 0.
const frame = v => {
  const w = Math.max(220, v.svg.clientWidth || 0), h = v.svg.clientHeight || 300, d = v.data;
  const low = log(d.low), span = log(d.top) - low, wide = w - PAD.l - PAD.r;
  const floor = h - PAD.b - ZERO, tall = floor - PAD.t, whole = d.lead + d.scale;
  const y = f => f >= d.low ? floor - (log(f) - low) / span * tall : floor + (1 - f / d.low) * ZERO;
  return {w, h, floor, wide, tall, bottom: h - PAD.b,
    x: s => PAD.l + (d.lead + s * d.scale) / whole * wide, at: e => PAD.l + e / whole * wide, y,
    share: px => ((px - PAD.l) / wide * whole - d.lead) / d.scale,
    factor: py => py > floor + ZERO / 2 ? 0 : 10 ** (low + Math.max(0, floor - py) / tall * span)};
};
const tidy = (v, share, factor) => [+share.toFixed(4), factor <= 0 ? 0
  : +Math.min(v.data.top, Math.max(v.data.low / 1000, factor)).toPrecision(3)];
// A point keeps between its neighbours; the ends keep their places.
const held = (v, i, share, factor) => {
  const p = v.points, last = p.length - 1;
  const s = i === 0 ? 0 : i === last ? 1
    : Math.max(p[i - 1][0] + GAP, Math.min(p[i + 1][0] - GAP, share));
  return tidy(v, s, factor);
};
const between = (v, share) => { // the formula of the strategy
  const p = v.points, i = Math.max(0, p.findLastIndex((a, k) => k < p.length - 1 && a[0] <= share));
  let u = (share - p[i][0]) / (p[i + 1][0] - p[i][0]);
  if (v.data.interpolation === 'cosine') u = (1 - Math.cos(Math.PI * u)) / 2;
  return p[i][1] + (p[i + 1][1] - p[i][1]) * u;
};
const position = (v, [s, f]) => v.data.xname + ' ' + short(v.data.lead + s * v.data.scale) + ', '
  + v.data.yname + ' ' + short(f * v.data.peak);

const axes = (v, f) => {
  const g = make('g', {class: 'ld-axes'}, v.svg), d = v.data, whole = d.lead + d.scale;
  for (let e = Math.ceil(log(d.low)); e <= log(d.top) + 1e-9; e++) {
    const y = f.y(10 ** e);
    make('line', {x1: PAD.l, x2: PAD.l + f.wide, y1: y, y2: y}, g);
    make('text', {x: PAD.l - 13, y: y + 4, 'text-anchor': 'end'}, g, short(10 ** e * d.peak));
  }
  make('line', {x1: PAD.l, x2: PAD.l + f.wide, y1: f.bottom, y2: f.bottom}, g);
  make('text', {x: PAD.l - 13, y: f.bottom + 4, 'text-anchor': 'end'}, g, '0');
  const raw = whole / 5, p = 10 ** Math.floor(log(raw));
  const step = [1, 2, 5, 10].map(m => m * p).find(s => s >= raw);
  for (let t = 0; t <= whole + 1e-9; t += step) {
    make('line', {x1: f.at(t), x2: f.at(t), y1: PAD.t, y2: f.bottom}, g);
    make('text', {x: f.at(t), y: f.bottom + 17, 'text-anchor': 'middle'}, g, +t.toFixed(4));
  }
  make('text', {x: PAD.l + f.wide / 2, y: f.h - 6, 'text-anchor': 'middle'}, g, d.xtitle);
};
const line = (list, f) => 'M' + list.map(([x, y]) => x.toFixed(1) + ' ' + f.y(y).toFixed(1)).join('L');
const draw = v => {
  const d = v.data, f = v.frame = frame(v), focus = v.svg.contains(document.activeElement);
  v.svg.replaceChildren();
  axes(v, f);
  make('rect', {class: 'ld-ground', x: PAD.l, y: PAD.t, width: f.wide, height: f.bottom - PAD.t + 8},
    v.svg);
  if (JSON.stringify(v.points) === JSON.stringify(d.points)) {
    const held = []; // each rate holds until the next update
    d.curve.x.forEach((x, i) => { if (i) held.push([f.at(x), d.curve.y[i - 1] / d.peak]);
      held.push([f.at(x), d.curve.y[i] / d.peak]); });
    make('path', {class: 'ld-curve', d: line(held, f), stroke: d.colour}, v.svg);
  } else {
    const shares = Array.from({length: 201}, (_, i) => i / 200).concat(v.points.map(p => p[0]));
    const list = shares.sort((a, b) => a - b).map(s => [f.x(s), between(v, s)]);
    make('path', {class: 'ld-curve ld-new', d: line(list, f), stroke: d.colour}, v.svg);
  }
  v.points.forEach((p, i) => {
    const g = make('g', {class: 'ld-point' + (i === v.chosen ? ' ld-chosen' : ''), tabindex: 0,
      role: 'slider', 'aria-label': 'Point ' + (i + 1) + ' of ' + v.points.length,
      'aria-valuenow': p[1], 'aria-valuemin': 0, 'aria-valuemax': d.top,
      'aria-valuetext': position(v, p), transform: `translate(${f.x(p[0])} ${f.y(p[1])})`}, v.svg);
    make('circle', {class: 'ld-hit', r: 18}, g);
    make('circle', {class: 'ld-dot', r: i === v.chosen ? 8 : 6, fill: d.colour}, g);
    g.dataset.index = i;
  });
  if (focus || v.refocus) v.svg.querySelector('.ld-chosen')?.focus({preventScroll: true});
  v.refocus = false;
  fields(v);
  // A button that is disabled while it has the focus would swallow the next key.
  if (v.root.contains(document.activeElement) && document.activeElement.disabled)
    v.svg.querySelector('.ld-chosen').focus({preventScroll: true});
};
// `all`: also the field that has the focus, whose text is the user's until it is entered.
const fields = (v, all) => {
  const d = v.data, last = v.points.length - 1, [s, f] = v.points[v.chosen], mid = v.chosen > 0 && v.chosen < last;
  q(v, 'which').textContent = 'Point ' + (v.chosen + 1) + ' of ' + (last + 1);
  const put = (name, value) => { const e = q(v, name); if (all || e !== document.activeElement) e.value = value; };
  put('x', +(d.lead + s * d.scale).toFixed(4)); put('y', +(f * d.peak).toPrecision(4));
  q(v, 'x').disabled = !mid; q(v, 'delete').disabled = !mid;
  q(v, 'before').disabled = v.chosen === 0; q(v, 'after').disabled = v.chosen === last;
  q(v, 'undo').disabled = !d.undo; q(v, 'add').disabled = last + 1 >= d.most;
  v.root.dataset.points = JSON.stringify(v.points);
};
// Edits are counted, and the server says which one its points have seen: while it is behind, the
// points here are the newer ones, and what it draws meanwhile takes nothing back.
const edited = v => { v.edit = v.sent + 1; draw(v); };
const send = v => {
  clearTimeout(v.wait);
  const same = JSON.stringify(v.points) === JSON.stringify(v.data.points);
  if (same && v.data.edit === v.sent) v.edit = v.sent; // nothing under way, nothing new
  if (v.edit === v.sent) return;
  v.sent = v.edit;
  v.trigger('points', JSON.stringify({edit: v.edit, points: v.points}));
};
const later = v => { clearTimeout(v.wait); v.wait = setTimeout(() => send(v), 450); };
const unsend = v => { clearTimeout(v.wait); v.edit = v.sent; v.points = structuredClone(v.data.points); draw(v); };
const undo = v => {
  if (v.edit > v.sent) { unsend(v); return; }
  v.sent = v.edit += 1; v.undone += 1;
  v.trigger('undo', JSON.stringify({edit: v.edit, times: v.undone}));
};
const add = (v, share, factor) => {
  if (v.points.length >= v.data.most) return false;
  const i = v.points.findIndex(p => p[0] > share);
  if (i < 1 || share - v.points[i - 1][0] < GAP || v.points[i][0] - share < GAP) return false;
  v.points.splice(i, 0, tidy(v, share, factor)); v.chosen = i; edited(v);
  return true;
};
const remove = v => {
  if (v.chosen < 1 || v.chosen >= v.points.length - 1) return;
  v.points.splice(v.chosen, 1); v.chosen -= 1;
  v.refocus = v.svg.contains(document.activeElement);
  edited(v); send(v);
};
const middle = v => { // a new point in the longest gap next to the chosen one
  const i = Math.min(v.chosen, v.points.length - 2), s = (v.points[i][0] + v.points[i + 1][0]) / 2;
  if (add(v, s, between(v, s))) send(v);
};
const nudge = (v, key) => {
  const [s, f] = v.points[v.chosen], low = v.data.low;
  const [across, times] = {ArrowLeft: [-.01, 1], ArrowRight: [.01, 1], ArrowUp: [0, 1.1],
    ArrowDown: [0, 1 / 1.1], PageUp: [0, 2], PageDown: [0, .5]}[key];
  const lifted = f === 0 ? (times > 1 ? low : 0) : f * times;
  v.points[v.chosen] = held(v, v.chosen, s + across, lifted < low * .999 && times < 1 ? 0 : lifted);
  v.refocus = true; edited(v); later(v);
};
const wire = v => {
  const where = e => { const b = v.svg.getBoundingClientRect();
    return [v.frame.share(e.clientX - b.left), v.frame.factor(e.clientY - b.top)]; };
  const point = e => e.target.closest?.('.ld-point');
  v.svg.addEventListener('pointerdown', e => {
    const g = point(e);
    if (!g) return;
    e.preventDefault();
    v.chosen = +g.dataset.index; v.moving = true; v.refocus = true;
    v.svg.setPointerCapture(e.pointerId); draw(v);
  });
  v.svg.addEventListener('pointermove', e => {
    if (!v.moving) return;
    v.points[v.chosen] = held(v, v.chosen, ...where(e)); edited(v);
  });
  v.svg.addEventListener('pointerup', () => {
    if (v.moving) { v.moving = false; v.dragged = Date.now(); send(v); }
  });
  v.svg.addEventListener('pointercancel', () => {
    v.moving = false; unsend(v);
  });
  v.svg.addEventListener('click', e => {
    if (point(e) || Date.now() - (v.dragged || 0) < 300) return;
    const [share, factor] = where(e);
    if (share > 0 && share < 1 && add(v, share, factor)) send(v);
  });
  v.svg.addEventListener('dblclick', e => { if (point(e)) remove(v); });
  v.svg.addEventListener('focusin', e => {
    const g = point(e);
    if (g && +g.dataset.index !== v.chosen) { v.chosen = +g.dataset.index; draw(v); }
  });
  v.svg.addEventListener('keydown', e => {
    if (['Delete', 'Backspace'].includes(e.key)) { e.preventDefault(); remove(v); }
    else if (/^(Arrow|Page)/.test(e.key)) { e.preventDefault(); nudge(v, e.key); }
    else if (['Insert', '+'].includes(e.key)) { e.preventDefault(); v.refocus = true; middle(v); }
  });
  const typed = () => {
    const d = v.data, x = +q(v, 'x').value, y = +q(v, 'y').value;
    if (!Number.isFinite(x) || !(y >= 0)) { fields(v, true); return; }
    v.points[v.chosen] = held(v, v.chosen, (x - d.lead) / d.scale, y / d.peak);
    edited(v); fields(v, true); send(v);
  };
  q(v, 'x').onchange = q(v, 'y').onchange = typed;
  const choose = by => { v.chosen += by; draw(v); };
  q(v, 'before').onclick = () => choose(-1); q(v, 'after').onclick = () => choose(1);
  q(v, 'add').onclick = () => middle(v); q(v, 'delete').onclick = () => remove(v);
  q(v, 'undo').onclick = () => undo(v);
  q(v, 'over').onclick = () => { v.points = structuredClone(v.data.first); v.chosen = 0; edited(v); send(v); };
  new ResizeObserver(() => { if (v.data && v.svg.clientWidth !== v.width) {
    v.width = v.svg.clientWidth; draw(v); } }).observe(v.svg);
};

const take = (v, data) => {
  v.data = data;
  if (data.edit >= v.edit && !v.moving) {
    v.points = structuredClone(data.points); v.edit = v.sent = data.edit;
    v.chosen = Math.min(v.chosen, v.points.length - 1);
  }
  v.root.setAttribute('aria-label', data.label);
  q(v, 'xname').textContent = data.xlabel; q(v, 'yname').textContent = data.ylabel;
  q(v, 'title').textContent = data.ytitle + (data.interpolation === 'linear'
    ? '. Straight lines look bent on this axis.' : '');
  draw(v);
};

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.lrdash-draw');
  const v = root.editor ??= {root, svg: root.querySelector('svg'), chosen: 0, points: [],
    edit: 0, sent: 0, undone: data.undone};
  v.trigger = setTriggerValue; v.between = share => between(v, share); v.take = message => take(v, message);
  if (!v.wired) { v.wired = true; wire(v); }
  take(v, data);
}
