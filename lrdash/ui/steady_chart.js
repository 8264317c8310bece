// A chart that is drawn anew and keeps its zoom; see steady_chart.py. chart.js comes first.
const draw = async (P, host, data) => {
  const f = data.figure === host.drawn ? null : JSON.parse(data.figure);
  if (f) {
    await P.react(host, f.data, {...f.layout, autosize: true, uirevision: data.what},
      {responsive: true, displaylogo: false, showTips: false, showSendToCloud: false,
        displayModeBar: 'hover', modeBarButtonsToRemove: ['select2d', 'lasso2d', 'autoScale2d']});
    host.drawn = data.figure;
  }
  const [look, key] = paint(host);
  if (f || host.look !== key) { host.look = key; await P.relayout(host, look); }
  host.dataset.drawn = +(host.dataset.drawn || 0) + (f ? 1 : 0);
};
export default function ({ data, parentElement }) {
  const host = parentElement.querySelector('.lrdash-steady');
  host.setAttribute('aria-label', data.label); host.style.height = data.height + 'px';
  host.job = (host.job ?? Promise.resolve()).then(() => load(data.plotly))
    .then(P => draw(P, host, data))
    .catch(fault => { console.error(fault);
      if (!window.Plotly) host.textContent = 'The chart library did not load. Reload the page.'; });
}
