// A chart that can be redrawn and keeps its zoom; see steady_chart.py. chart.js comes first.
const draw = async (P, host, data) => {
  const f = data.figure === host.drawn ? null : JSON.parse(data.figure);
  const [look, key] = paint(host, f?.layout);
  if (f) {
    const layout = {...dress(f.layout, look), autosize: true, uirevision: data.what};
    await P.react(host, f.data, layout,
      {responsive: true, displaylogo: false, showTips: false, showSendToCloud: false,
        displayModeBar: 'hover', modeBarButtonsToRemove: ['select2d', 'lasso2d', 'autoScale2d']});
    host.drawn = data.figure;
  } else if (host.look !== key) await P.relayout(host, look);
  host.look = key;
  host.dataset.drawn = +(host.dataset.drawn || 0) + (f ? 1 : 0);
};
// What is in sight first; the rest when the browser has nothing else to do.
const turn = host => new Promise(go => {
  const {top, bottom} = host.getBoundingClientRect();
  if (host.drawn || (bottom > 0 && top < innerHeight)) go();
  else (window.requestIdleCallback ?? setTimeout)(go);
});
export default function ({ data, parentElement }) {
  const host = parentElement.querySelector('.lrdash-steady');
  host.setAttribute('aria-label', data.label); host.style.height = data.height + 'px';
  host.job = (host.job ?? Promise.resolve()).then(() => load(data.plotly))
    .then(P => turn(host).then(() => draw(P, host, data)))
    .catch(fault => { console.error(fault);
      if (!window.Plotly) host.textContent = 'The chart library did not load. Reload the page.'; });
}
