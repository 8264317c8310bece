// The live chart in the browser; see live_chart.py for the messages it gets. chart.js comes first.
const draw = async (P, host, data, ask) => {
  if (data.figure) {
    clearTimeout(host.again);
    const f = JSON.parse(data.figure);
    await P.react(host, f.data, {...f.layout, autosize: true}, {responsive: true,
      displaylogo: false, showTips: false, showSendToCloud: false,
      modeBarButtonsToRemove: ['select2d', 'lasso2d', 'autoScale2d']});
    host.have = data.have; host.run = data.run;
    if (!host.clicks) { host.clicks = true; host.on('plotly_click', e =>
      host.ask('epoch', Math.max(1, Math.min(host.have, Math.round(e.points[0].x))))); }
  } else if (host.run !== data.run || data.tail.some((t, i) => t.start > host.data[i].x.length)) {
    // Repeated until the answer comes: a request can be lost while the page reruns.
    const beg = n => { ask('resync', data.run + ':' + data.have + ':' + n);
      host.again = setTimeout(() => host.isConnected && beg(n + 1), 4000); };
    clearTimeout(host.again); beg(0); return;
  } else if (data.have > host.have) {
    const rest = data.tail.map((t, i) => [t, host.data[i].x.length - t.start]);
    await P.extendTraces(host, {x: rest.map(([t, n]) => t.x.slice(n)),
      y: rest.map(([t, n]) => t.y.slice(n))}, rest.map((_, i) => i));
    for (const m of data.marks)
      await P.restyle(host, {x: [m.x], y: [m.y], text: [m.text]}, [m.trace]);
    host.have = data.have;
  }
  const [look, key] = paint(host);
  if (data.figure) host.at = '[]';
  if (host.look !== key || data.figure) { host.look = key; await P.relayout(host, look); }
  const at = data.chosen ? [{type: 'line', xref: 'x', yref: 'paper', x0: data.chosen,
    x1: data.chosen, y0: 0, y1: 1, line: {width: 1.5, dash: 'dot', color: look['font.color']}}] : [];
  if (JSON.stringify(at) !== host.at) { host.at = JSON.stringify(at); await P.relayout(host, {shapes: at}); }
  host.dataset.epochs = host.have; host.dataset.updates = +(host.dataset.updates || 0) + 1;
};
export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector('.lrdash-chart');
  host.setAttribute('aria-label', data.label); host.style.height = data.height + 'px';
  host.ask = setTriggerValue;
  // One message after the other: drawing takes its time, and messages do not wait for it.
  host.job = (host.job ?? Promise.resolve()).then(() => load(data.plotly))
    .then(P => draw(P, host, data, setTriggerValue))
    .catch(fault => { console.error(fault);
      if (!window.Plotly) host.textContent =
        'The chart library did not load. Reload the page; the table below has the numbers.'; });
}
