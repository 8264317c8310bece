// The decisions of a callback, epoch by epoch; player.py describes the message. chart.js comes first.
const el = (tag, cls, text) => {
  const made = document.createElement(tag);
  if (cls) made.className = cls;
  if (text !== undefined) made.textContent = text;
  return made;
};
const build = (root, data) => {
  const list = root.querySelector('.lw-steps');
  list.replaceChildren(...data.steps.map(step => {
    const item = el('li', 'lw-step');
    item.append(el('span', 'lw-title', step.title), el('code', '', step.code), el('span', 'lw-note'));
    return item;
  }));
  root.querySelector('.lw-remarks').textContent = data.remarks;
  root.querySelector('.lw-algorithm h2').textContent = data.title;
  const slider = root.querySelector('input');
  slider.min = 0; slider.max = data.moments.length - 1; slider.step = 1;
  slider.setAttribute('aria-label', data.epoch_label);
  root.querySelector('[data-do=change]').hidden = !data.moments.some(m => m.changed);
};
const show = (root, at) => {
  const { data } = root, moment = data.moments[at];
  root.at = at; root.dataset.epoch = moment.epoch;
  root.querySelectorAll('.lw-step').forEach((item, i) => {
    const note = moment.notes[i];
    item.classList.toggle('lw-lit', note !== undefined);
    item.classList.toggle('lw-now', i === moment.step);
    if (i === moment.step) item.setAttribute('aria-current', 'step');
    else item.removeAttribute('aria-current');
    item.querySelector('.lw-note').textContent = note ?? '';
  });
  root.querySelector('.lw-epoch').textContent = moment.when;
  const said = root.querySelector('.lw-said'), words = moment.when + ': ' + moment.words;
  if (said.textContent !== words) said.textContent = words;
  said.classList.toggle('lw-changed', moment.changed);
  root.querySelector('.lw-state').replaceChildren(...moment.state.map(([name, meaning, now, was]) => {
    const row = el('tr', was ? 'lw-moved' : ''), value = el('td');
    if (was) value.append(el('span', 'lw-was', was), ' to ');
    value.append(el('b', '', now));
    const head = el('th'); head.scope = 'row'; head.append(el('code', '', name));
    row.append(head, value, el('td', 'lw-meaning', meaning));
    return row;
  }));
  const slider = root.querySelector('input');
  slider.value = at; slider.setAttribute('aria-valuetext', moment.when);
  root.querySelector('[data-do=back]').disabled = root.querySelector('[data-do=first]').disabled = at === 0;
  root.querySelector('[data-do=next]').disabled = at === data.moments.length - 1;
  // A button that is disabled while it has the focus would swallow the next key.
  if (root.contains(document.activeElement) && document.activeElement.disabled)
    root.querySelector('[data-do=play]').focus({ preventScroll: true });
  cut(root, moment.epoch);
};
// One drawing at a time; of the requests that arrive meanwhile, only the latest is drawn.
const cut = (root, epoch) => {
  root.wanted = epoch;
  if (root.busy || !root.drawn) return;
  root.busy = true;
  const host = root.querySelector('.lrdash-walk-chart'), { figure } = root, x = [], y = [], places = [];
  figure.data.forEach((trace, i) => {
    const grows = trace.meta?.grows;
    if (!grows) return;
    const keep = trace.x.map(v => grows === 'only' ? v === epoch : v <= epoch);
    x.push(trace.x.filter((_, n) => keep[n])); y.push(trace.y.filter((_, n) => keep[n]));
    places.push(i);
  });
  window.Plotly.update(host, { x, y }, { 'shapes[0].x0': epoch, 'shapes[0].x1': epoch }, places)
    .finally(() => { root.busy = false; host.dataset.epoch = epoch;
      if (root.wanted !== epoch) cut(root, root.wanted); });
};
const halt = root => {
  clearInterval(root.timer); root.timer = null;
  const play = root.querySelector('[data-do=play]');
  play.textContent = 'Play'; play.classList.remove('lw-on');
  root.querySelector('.lw-said').setAttribute('aria-live', 'polite');
};
const play = root => {
  clearInterval(root.timer);
  const last = root.data.moments.length - 1, pace = +root.querySelector('select').value;
  if (root.at === last) show(root, 0);
  // A screen reader could not keep up; it announces the decision at which playing stops.
  root.querySelector('.lw-said').setAttribute('aria-live', 'off');
  const button = root.querySelector('[data-do=play]');
  button.textContent = 'Pause'; button.classList.add('lw-on');
  root.timer = setInterval(() => {
    if (!root.isConnected || root.at >= root.data.moments.length - 1) return halt(root);
    show(root, root.at + 1);
  }, 1000 / pace);
};
const go = (root, what) => {
  const last = root.data.moments.length - 1;
  if (what === 'play') return root.timer ? halt(root) : play(root);
  halt(root);
  const later = root.data.moments.findIndex((m, i) => i > root.at && m.changed);
  const change = later >= 0 ? later : root.data.moments.findIndex(m => m.changed);
  const to = { first: 0, back: root.at - 1, next: root.at + 1, last, change }[what];
  show(root, Math.min(last, Math.max(0, to)));
};
const wire = root => {
  root.querySelectorAll('[data-do]').forEach(b => b.onclick = () => go(root, b.dataset.do));
  root.querySelector('input').oninput = e => { halt(root); show(root, +e.target.value); };
  root.querySelector('select').onchange = () => root.timer && play(root);
  root.onkeydown = e => {
    if (e.target.matches('input, select') || e.ctrlKey || e.metaKey || e.altKey) return;
    const what = { ArrowLeft: 'back', ArrowRight: 'next', Home: 'first', End: 'last' }[e.key];
    if (what) { e.preventDefault(); go(root, what); }
  };
};
const draw = async (P, root, data) => {
  const host = root.querySelector('.lrdash-walk-chart');
  if (root.drawn !== data.what) {
    root.figure = JSON.parse(data.figure);
    const f = JSON.parse(data.figure);
    await P.react(host, f.data, { ...f.layout, autosize: true, uirevision: data.what },
      { responsive: true, displaylogo: false, showTips: false, showSendToCloud: false,
        displayModeBar: false });
    root.drawn = data.what; host.look = null;
  }
  const [look, key] = paint(host);
  const ground = getComputedStyle(root).getPropertyValue('--st-background-color').trim();
  root.style.colorScheme = parseInt(ground.slice(1, 3), 16) < 128 ? 'dark' : 'light';
  if (host.look !== key) { host.look = key; await P.relayout(host, look); }
  cut(root, root.data.moments[root.at].epoch);
};
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector('.lrdash-walk');
  const host = root.querySelector('.lrdash-walk-chart');
  if (root.what !== data.what) {
    const same = root.source === data.source;
    root.data = data; root.what = data.what; root.source = data.source;
    host.setAttribute('aria-label', data.label); host.style.height = data.height + 'px';
    root.setAttribute('aria-label', data.title);
    if (!root.onkeydown && matchMedia('(prefers-reduced-motion: reduce)').matches)
      root.querySelector('select').value = '1';
    wire(root); halt(root); build(root, data);
    show(root, same ? Math.min(root.at, data.moments.length - 1) : 0);
  }
  root.job = (root.job ?? Promise.resolve()).then(() => load(data.plotly))
    .then(P => draw(P, root, data))
    .catch(fault => { console.error(fault);
      if (!window.Plotly) host.textContent = 'The chart library did not load. Reload the page. ' +
        'Steps and variables work without it.'; });
  return () => { if (!root.isConnected) clearInterval(root.timer); };
}
