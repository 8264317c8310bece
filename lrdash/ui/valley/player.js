// Plays descents over map, relief and charts; see player.py. chart.js comes first.
const SECONDS = 6, MARGIN = {l: 38, r: 10, t: 10, b: 30}, HALF = 0.75;
const q = (v, name) => v.root.querySelector('.lv-' + name);
const mix = (a, b, t) => a.map((x, i) => Math.round(x + (b[i] - x) * t));
const rgb = c => 'rgb(' + c.join(',') + ')';
const short = x => x == null ? '–' : x === 0 ? '0'
  : Math.abs(x) < 1e-3 || Math.abs(x) >= 1e5 ? x.toExponential(2).replace(/\.?0+e/, 'e')
  : String(+x.toPrecision(3));
const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

// A canvas in device pixels; the context draws in CSS pixels.
const prepare = canvas => {
  const w = canvas.clientWidth, h = canvas.clientHeight, d = devicePixelRatio || 1;
  if (canvas.width !== Math.round(w * d)) canvas.width = Math.round(w * d);
  if (canvas.height !== Math.round(h * d)) canvas.height = Math.round(h * d);
  const c = canvas.getContext('2d');
  c.setTransform(d, 0, 0, d, 0, 0); c.clearRect(0, 0, w, h);
  return [c, w, h];
};
const colours = v => {
  const css = getComputedStyle(v.root), get = (n, d) => css.getPropertyValue(n).trim() || d;
  const bg = get('--st-background-color', '#ffffff');
  const dark = parseInt(bg.slice(1, 3), 16) < 128;
  return {text: get('--st-text-color', '#1f2933'), bg, font: get('--st-font', 'sans-serif'),
    line: dark ? 'rgba(228,232,236,.22)' : 'rgba(31,41,51,.2)',
    low: dark ? [70, 82, 96] : [205, 214, 222], high: dark ? [26, 31, 37] : [252, 253, 253]};
};

// From weights to pixels of the map, and back.
const frame = (v, w, h) => {
  const [x0, x1] = v.data.picture.spans[0], flat = v.data.picture.spans.length === 1;
  const [y0, y1] = flat ? [-0.06, 1.06] : v.data.picture.spans[1];
  const pw = w - MARGIN.l - MARGIN.r, ph = h - MARGIN.t - MARGIN.b;
  return {flat, pw, ph, x: x => MARGIN.l + (x - x0) / (x1 - x0) * pw,
    y: y => MARGIN.t + (y1 - y) / (y1 - y0) * ph,
    back: (px, py) => [x0 + (px - MARGIN.l) / pw * (x1 - x0), y1 - (py - MARGIN.t) / ph * (y1 - y0)]};
};
const ticks = (low, high) => {
  const raw = (high - low) / 5, p = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(m => m * p).find(s => s >= raw), found = [];
  for (let t = Math.ceil(low / step) * step; t <= high + 1e-9; t += step) found.push(+t.toFixed(6));
  return found;
};
// Marching squares on the grid of shades, one line segment for each crossed cell.
const contours = (shade, level, line) => {
  const n = shade.length - 1, cut = (a, b) => (level - a) / (b - a);
  for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) {
    const a = shade[j][i], b = shade[j][i + 1], c = shade[j + 1][i + 1], d = shade[j + 1][i], at = [];
    if ((a < level) !== (b < level)) at.push([i + cut(a, b), j]);
    if ((b < level) !== (c < level)) at.push([i + 1, j + cut(b, c)]);
    if ((d < level) !== (c < level)) at.push([i + cut(d, c), j + 1]);
    if ((a < level) !== (d < level)) at.push([i, j + cut(a, d)]);
    for (let k = 0; k + 1 < at.length; k += 2) line(at[k], at[k + 1], n);
  }
};
const axes = (v, c, f, look) => {
  const s = v.data.picture.spans;
  c.fillStyle = look.text; c.font = '12px ' + look.font; c.textAlign = 'center'; c.textBaseline = 'top';
  for (const t of ticks(...s[0])) c.fillText(t, f.x(t), MARGIN.t + f.ph + 5);
  c.fillText('x', MARGIN.l + f.pw / 2, MARGIN.t + f.ph + 17);
  c.textAlign = 'right'; c.textBaseline = 'middle';
  if (!f.flat) for (const t of ticks(...s[1])) c.fillText(t, MARGIN.l - 6, f.y(t));
  c.fillText(f.flat ? 'loss' : 'y', MARGIN.l - 24 + (f.flat ? 18 : 0), MARGIN.t + f.ph / 2 - 16);
};
const ground = (v, w, h, look) => {
  const kept = document.createElement('canvas'), d = devicePixelRatio || 1;
  kept.width = w * d; kept.height = h * d;
  const c = kept.getContext('2d'), f = frame(v, w, h), p = v.data.picture;
  c.setTransform(d, 0, 0, d, 0, 0);
  if (f.flat) {
    c.strokeStyle = look.text; c.lineWidth = 1.5; c.beginPath();
    const [x0, x1] = p.spans[0], n = p.height.length - 1;
    p.height.forEach((y, i) => c.lineTo(f.x(x0 + (x1 - x0) * i / n), f.y(y)));
    c.stroke();
  } else {
    const n = p.shade.length, tile = document.createElement('canvas');
    tile.width = tile.height = n;
    const t = tile.getContext('2d'), image = t.createImageData(n, n);
    p.shade.forEach((row, j) => row.forEach((s, i) => {
      image.data.set([...mix(look.low, look.high, s), 255], 4 * ((n - 1 - j) * n + i));
    }));
    t.putImageData(image, 0, 0);
    const k = n / (n - 1), cell = f.pw / (n - 1), tall = f.ph / (n - 1);
    c.save(); c.beginPath(); c.rect(MARGIN.l, MARGIN.t, f.pw, f.ph); c.clip();
    c.drawImage(tile, MARGIN.l - cell / 2, MARGIN.t - tall / 2, f.pw * k, f.ph * k);
    c.strokeStyle = look.line; c.lineWidth = 1; c.beginPath();
    for (const level of p.levels) contours(p.shade, level, (a, b, m) => {
      c.moveTo(MARGIN.l + a[0] / m * f.pw, MARGIN.t + (1 - a[1] / m) * f.ph);
      c.lineTo(MARGIN.l + b[0] / m * f.pw, MARGIN.t + (1 - b[1] / m) * f.ph);
    });
    c.stroke(); c.restore();
  }
  c.strokeStyle = look.line; c.strokeRect(MARGIN.l, MARGIN.t, f.pw, f.ph);
  axes(v, c, f, look);
  return kept;
};

// Crosses at the minima, over the paths; with names if there are several.
const bottoms = (v, c, f, look) => {
  c.textAlign = 'center'; c.textBaseline = 'top'; c.font = '12px ' + look.font;
  c.lineWidth = 4; c.strokeStyle = look.bg; c.fillStyle = look.text;
  const all = v.data.picture.minima;
  for (const m of all) {
    const x = f.x(m.place[0]), y = f.flat ? f.y(0) : f.y(m.place[1]);
    c.fillRect(x - 6, y - .75, 12, 1.5); c.fillRect(x - .75, y - 6, 1.5, 12);
    if (all.length > 1) { c.strokeText(m.label, x, y + 14); c.fillText(m.label, x, y + 14); }
  }
};

// The relief: an orthographic view of the grid, far quads first.
const eye = (v, w, h) => {
  const {turn, tilt} = v, size = Math.min(w / 3, h / 2.9);
  const [ca, sa, ce, se] = [Math.cos(turn), Math.sin(turn), Math.cos(tilt), Math.sin(tilt)];
  return (x, y, z) => { // x and y from -1 to 1, z from 0 to 1
    const far = x * sa + y * ca, up = (z - .35) * 1.1;
    return [w / 2 + (x * ca - y * sa) * size, h / 2 - (up * ce + far * se * .9) * size, far];
  };
};
const relief = (v, w, h, look) => {
  const kept = document.createElement('canvas'), d = devicePixelRatio || 1;
  kept.width = w * d; kept.height = h * d;
  const c = kept.getContext('2d'), see = eye(v, w, h), {height, shade} = v.data.picture;
  c.setTransform(d, 0, 0, d, 0, 0);
  const n = height.length - 1, jump = 2, quads = [], unit = k => 2 * k / n - 1;
  for (let j = 0; j < n; j += jump) for (let i = 0; i < n; i += jump) {
    const corners = [[i, j], [i + jump, j], [i + jump, j + jump], [i, j + jump]];
    const seen = corners.map(([a, b]) => see(unit(a), unit(b), height[b][a]));
    quads.push([seen.reduce((s, p) => s + p[2], 0), seen, shade[j + 1][i + 1],
      height[j + jump][i + jump] - height[j][i]]);
  }
  quads.sort((a, b) => b[0] - a[0]);
  c.lineWidth = .6; c.strokeStyle = look.line; c.lineJoin = 'round';
  for (const [, seen, s, slope] of quads) {
    const lit = Math.max(0, Math.min(1, s - slope * .6));
    c.fillStyle = rgb(mix(look.low, look.high, lit)); c.beginPath();
    for (const p of seen) c.lineTo(p[0], p[1]);
    c.closePath(); c.fill(); c.stroke();
  }
  return kept;
};

// One path up to a moment: the past strong, the future faint, the present a disc.
const trail = (c, path, points, at, look, cross) => {
  const last = points.length - 1, now = Math.min(at, last), whole = Math.floor(now);
  const part = now - whole, [a, b] = [points[whole], points[Math.min(whole + 1, last)]];
  const head = [a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part];
  const stroke = (list, colour, width, dash) => {
    c.strokeStyle = colour; c.lineWidth = width; c.lineJoin = 'round'; c.setLineDash(dash);
    c.beginPath();
    for (const p of list) c.lineTo(p[0], p[1]);
    c.stroke(); c.setLineDash([]);
  };
  c.globalAlpha = .22; stroke(points.slice(whole), path.colour, 1.5, path.dash); c.globalAlpha = 1;
  const past = [...points.slice(0, whole + 1), head];
  c.globalAlpha = .8; stroke(past, look.bg, 4.5, []); c.globalAlpha = 1;
  stroke(past, path.colour, 2, path.dash);
  c.fillStyle = path.colour;
  if (last <= 120) for (const p of points.slice(0, whole + 1)) {
    c.beginPath(); c.arc(p[0], p[1], 2.4, 0, 7); c.fill();
  }
  if (cross && now >= last) { // it left the picture here
    const p = cross;
    stroke([[p[0] - 6, p[1] - 6], [p[0] + 6, p[1] + 6]], path.colour, 3, []);
    stroke([[p[0] - 6, p[1] + 6], [p[0] + 6, p[1] - 6]], path.colour, 3, []);
  } else {
    c.beginPath(); c.arc(head[0], head[1], 6.5, 0, 7); c.fill();
    c.lineWidth = 2; c.strokeStyle = look.bg; c.stroke();
  }
};
const border = (points, w, h) => { // where the last step crosses the border of the map
  const [p, e] = points.slice(-2), box = [MARGIN.l, MARGIN.t, w - MARGIN.r, h - MARGIN.b];
  let t = 1;
  for (const k of [0, 1]) {
    if (e[k] < box[k]) t = Math.min(t, (box[k] - p[k]) / (e[k] - p[k]));
    if (e[k] > box[k + 2]) t = Math.min(t, (box[k + 2] - p[k]) / (e[k] - p[k]));
  }
  return [p[0] + (e[0] - p[0]) * t, p[1] + (e[1] - p[1]) * t];
};

const drawMap = (v, look, at) => {
  const canvas = q(v, 'map').querySelector('canvas'), [c, w, h] = prepare(canvas);
  if (!w) return;
  if (!v.ground) v.ground = ground(v, w, h, look);
  c.drawImage(v.ground, 0, 0, w, h);
  const f = frame(v, w, h); v.frame = f;
  c.save(); c.beginPath(); c.rect(MARGIN.l - 7, MARGIN.t - 7, f.pw + 14, f.ph + 14); c.clip();
  if (v.drag) c.globalAlpha = .3;
  else for (const path of v.data.picture.paths) {
    const points = path.places.map((p, i) => [f.x(p[0]), f.y(f.flat ? path.heights[i] ?? 2 : p[1])]);
    trail(c, path, points, at, look, path.ended !== 'done' && border(points, w, h));
  }
  c.globalAlpha = 1; bottoms(v, c, f, look);
  c.restore();
  const [x, y] = v.drag ?? v.data.start, grip = q(v, 'start');
  const up = f.flat ? heightAt(v.data.picture, x) : y;
  grip.style.left = f.x(x) + 'px'; grip.style.top = f.y(up) + 'px';
  grip.setAttribute('aria-label', 'Start at x ' + short(x) + (f.flat ? '' : ', y ' + short(y))
    + '. Drag it, or move it with the arrow keys.');
};
const heightAt = (p, x) => {
  const n = p.height.length - 1, [x0, x1] = p.spans[0], at = (x - x0) / (x1 - x0) * n;
  const i = Math.max(0, Math.min(n - 1, Math.floor(at)));
  return p.height[i] + (p.height[i + 1] - p.height[i]) * (at - i);
};
const drawRelief = (v, look, at) => {
  if (v.data.picture.spans.length === 1) return;
  const [c, w, h] = prepare(q(v, 'relief').querySelector('canvas'));
  if (!w) return;
  if (!v.hills) v.hills = relief(v, w, h, look);
  c.drawImage(v.hills, 0, 0, w, h);
  const see = eye(v, w, h), spans = v.data.picture.spans;
  const unit = (x, k) => 2 * (x - spans[k][0]) / (spans[k][1] - spans[k][0]) - 1;
  if (!v.drag) for (const path of v.data.picture.paths) {
    const points = path.places.map((p, i) =>
      see(unit(p[0], 0), unit(p[1], 1), Math.min(path.heights[i] ?? 1.2, 1.2)));
    trail(c, path, points, at, look, path.ended !== 'done' && points.at(-1));
  }
};
const drawCharts = (v, at) => {
  for (const name of ['loss', 'rate']) {
    const plot = q(v, name), veil = plot.parentElement.querySelector('.lv-veil');
    const axis = plot._fullLayout?.xaxis, size = plot._fullLayout?._size;
    if (!axis) continue;
    const x = axis._offset + axis.l2p(Math.min(at, v.most));
    Object.assign(veil.style, {left: x + 'px', width: Math.max(0, axis._offset + axis._length - x) + 'px',
      top: size.t + 'px', height: size.h + 'px', display: at < v.most ? 'block' : 'none'});
  }
};
const doing = (path, step) => {
  if (path.ended !== 'done' && step >= path.rates.length)
    return path.ended === 'diverged' ? 'diverged: left the picture, higher than it started'
      : 'left the picture';
  if (step >= path.rates.length) return 'finished';
  const bend = path.curvatures[step], r = path.rates[step] * bend;
  if (!(bend > 0)) return 'no limit: the surface curves down here';
  return r > 2 ? 'above the limit: the next step lands higher'
    : r > 1 ? 'the next step jumps over the floor, lands ' + short(Math.abs(1 - r)) + '× as far out'
    : 'the next step stops short of the floor';
};
const fillTable = (v, step) => {
  if (v.filled === step + v.what) return;
  v.filled = step + v.what;
  v.data.picture.paths.forEach((path, i) => {
    const last = path.rates.length, k = Math.min(step, last), bend = path.curvatures[k];
    const cells = v.rows[i].children;
    cells[1].textContent = k < last ? short(path.rates[k]) : '–';
    cells[2].textContent = bend > 0 ? short(2 / bend) : 'none';
    cells[3].textContent = short(path.losses[k]); cells[4].textContent = doing(path, k);
  });
  q(v, 'slider').value = step;
  q(v, 'slider').setAttribute('aria-valuetext', 'step ' + step + ' of ' + v.most);
  q(v, 'count').textContent = 'step ' + step + ' of ' + v.most;
};
// What a screen reader announces when playing stops, and at each manual step.
const say = v => {
  const k = Math.floor(v.at + 1e-9);
  const each = v.data.picture.paths.map((path, i) => path.name + ': loss '
    + v.rows[i].children[3].textContent + ', ' + v.rows[i].children[4].textContent);
  const words = 'Step ' + k + ' of ' + v.most + '. ' + each.join('. ') + '.';
  if (q(v, 'said').textContent !== words) q(v, 'said').textContent = words;
};
const draw = v => {
  const at = calm() ? Math.floor(v.at) : v.at, look = colours(v);
  if (v.look !== look.bg + look.text) { v.look = look.bg + look.text; v.ground = v.hills = null; }
  drawMap(v, look, at); drawRelief(v, look, at); drawCharts(v, at); fillTable(v, Math.floor(at + 1e-9));
  if (!v.playing && !v.held) say(v);
  v.root.dataset.at = Math.floor(v.at * 100 + 1e-6) / 100; v.root.dataset.frames = +(v.root.dataset.frames || 0) + 1;
};
const redraw = v => { v.ground = v.hills = null; draw(v); };

const play = (v, on) => {
  if (on && v.at >= v.most) v.at = 0;
  v.playing = on; v.before = null;
  q(v, 'play').textContent = on ? 'Pause' : 'Play';
  v.root.dataset.playing = on ? 'yes' : 'no';
  if (on) requestAnimationFrame(now => tick(v, now));
};
const tick = (v, now) => {
  if (!v.playing || !v.root.isConnected) return;
  const pace = calm() ? 2 : v.most / SECONDS * +q(v, 'speed').value; // steps a second
  v.at = Math.min(v.most, v.at + (v.before == null ? 0 : (now - v.before) / 1000 * pace));
  v.before = now;
  draw(v);
  if (v.at >= v.most) { play(v, false); say(v); } else requestAnimationFrame(later => tick(v, later));
};
const go = (v, at) => { play(v, false); v.at = Math.max(0, Math.min(v.most, at)); draw(v); };

const clamp = (v, place) => place.slice(0, v.data.start.length).map((x, k) => {
  const [low, high] = v.data.picture.spans[k];
  return +Math.max(low, Math.min(high, x)).toFixed(3);
});
// Moves of the start are counted, and the server says which one its paths start from: a message
// that is behind does not take the ring back.
const move = (v, place) => { v.drag = place; v.moves = v.sent + 1; draw(v); };
const rest = v => { v.drag = null; v.sent = v.moves = v.data.moves; };
const drop = v => { // the start moved: the server computes the paths from there
  clearTimeout(v.wait);
  if (v.moves === v.sent) return;
  v.sent = v.moves; v.send('start', JSON.stringify({moves: v.sent, place: v.drag}));
};
const wire = v => {
  const map = q(v, 'map'), grip = q(v, 'start'), hills = q(v, 'relief').querySelector('canvas');
  const where = e => { const b = map.getBoundingClientRect();
    return clamp(v, v.frame.back(e.clientX - b.left, e.clientY - b.top)); };
  grip.onpointerdown = e => { grip.setPointerCapture(e.pointerId); v.held = true; play(v, false); };
  grip.onpointermove = e => { if (v.held) move(v, where(e)); };
  grip.onpointerup = () => { v.held = false; drop(v); };
  grip.onpointercancel = () => { v.held = false; rest(v); draw(v); };
  map.querySelector('canvas').onclick = e => { move(v, where(e)); drop(v); };
  grip.onkeydown = e => {
    const [x, y] = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[e.key]
      ?? [0, 0];
    if (!x && !y) return;
    e.preventDefault();
    const s = v.data.picture.spans, p = v.drag ?? v.data.start;
    move(v, clamp(v, p.map((a, k) => a + [x, y][k] * (s[k][1] - s[k][0]) / 50)));
    clearTimeout(v.wait); v.wait = setTimeout(() => drop(v), 500);
  };
  q(v, 'play').onclick = () => { play(v, !v.playing); if (!v.playing) say(v); };
  q(v, 'back').onclick = () => go(v, Math.ceil(v.at) - 1);
  q(v, 'step').onclick = () => go(v, Math.floor(v.at + 1e-9) + 1);
  q(v, 'reset').onclick = () => go(v, 0);
  q(v, 'slider').oninput = e => go(v, +e.target.value);
  const turn = by => { v.turn += by; v.hills = null; draw(v); };
  hills.onpointerdown = e => { hills.setPointerCapture(e.pointerId); v.spin = e.clientX; };
  hills.onpointermove = e => {
    if (v.spin == null) return;
    turn((e.clientX - v.spin) / 120); v.spin = e.clientX;
  };
  hills.onpointerup = hills.onpointercancel = () => { v.spin = null; };
  q(v, 'left').onclick = () => turn(-.25); q(v, 'right').onclick = () => turn(.25);
  new ResizeObserver(() => v.data && redraw(v)).observe(map);
};
const table = v => {
  const body = q(v, 'now').querySelector('tbody');
  v.rows = v.data.picture.paths.map(path => {
    const row = document.createElement('tr');
    for (const tag of ['th', 'td', 'td', 'td', 'td']) row.appendChild(document.createElement(tag));
    const mark = document.createElement('canvas'); mark.width = 56; mark.height = 16;
    const c = mark.getContext('2d'); c.strokeStyle = path.colour; c.lineWidth = 4;
    c.setLineDash(path.dash.map(d => 2 * d)); c.moveTo(0, 8); c.lineTo(56, 8); c.stroke();
    row.firstChild.scope = 'row';
    row.firstChild.append(mark, document.createTextNode(path.name));
    return row;
  });
  body.replaceChildren(...v.rows);
};
const charts = async (v, P) => {
  for (const name of ['loss', 'rate']) {
    const plot = q(v, name), f = JSON.parse(v.data[name]);
    await P.react(plot, f.data, {...f.layout, autosize: true, dragmode: false},
      {responsive: true, displayModeBar: false, showTips: false});
    await P.relayout(plot, paint(plot)[0]);
    plot.onmouseleave = null;
  }
  draw(v);
};

const take = (v, data) => {
  const {root} = v;
  const first = !v.data, fresh = v.what !== data.what, other = v.surface !== data.surface;
  v.data = data; v.what = data.what; v.surface = data.surface;
  if (other || (!v.held && data.moves >= v.moves)) { clearTimeout(v.wait); rest(v); }
  v.most = Math.max(...data.picture.paths.map(p => p.asked));
  q(v, 'slider').max = v.most;
  root.classList.toggle('lv-flat', data.picture.spans.length === 1);
  root.setAttribute('aria-label', data.label);
  q(v, 'height').textContent = data.height; q(v, 'caption').textContent = data.caption;
  q(v, 'relief').querySelector('canvas').setAttribute('aria-label', data.label + ', as a relief.');
  table(v); v.filled = null; v.ground = v.hills = null;
  if (first || (fresh && calm())) v.at = v.most;
  else if (fresh) { play(v, false); v.at = 0; play(v, true); }
  draw(v);
  v.job = (v.job ?? Promise.resolve()).then(() => load(data.plotly)).then(P => charts(v, P))
    .catch(fault => { console.error(fault);
      if (!window.Plotly) q(v, 'loss').textContent = 'The chart library did not load. Reload the page.'; });
};

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.lrdash-valley');
  const v = root.valley ??= {root, at: 0, turn: -.5, tilt: HALF};
  v.send = setTriggerValue; v.take = message => take(v, message);
  if (!v.wired) { v.wired = true; wire(v); }
  take(v, data);
}
