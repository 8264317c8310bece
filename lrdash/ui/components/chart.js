// What both charts share: Plotly, loaded once for the page, and the page's colours.
const load = url => window.Plotly ? Promise.resolve(window.Plotly)
  : (window.__lrdashPlotly ??= new Promise((done, fail) => {
      const s = document.createElement('script'); s.src = url;
      s.onload = () => done(window.Plotly); s.onerror = fail; document.head.appendChild(s); }));
const paint = (host, layout = host.layout || {}) => {
  const css = getComputedStyle(host), v = n => css.getPropertyValue(n).trim();
  const text = v('--st-text-color') || '#1f2933', grid = v('--st-border-color') || '#dfe3e8';
  const paper = v('--st-background-color') || '#fff', look = {'font.color': text,
    'font.family': v('--st-font') || 'sans-serif', 'hoverlabel.bgcolor': paper,
    'hoverlabel.font.color': text, 'hoverlabel.bordercolor': grid,
    'modebar.bgcolor': 'rgba(0,0,0,0)', 'modebar.color': grid, 'modebar.activecolor': text};
  for (const a of Object.keys(layout).filter(k => /^[xy]axis/.test(k)))
    Object.assign(look, {[a + '.gridcolor']: grid, [a + '.linecolor']: grid, [a + '.zerolinecolor']: grid});
  return [look, text + grid];
};
// The colours written into a layout before it is drawn: drawn once, not drawn and then coloured.
const dress = (layout, look) => {
  for (const [path, value] of Object.entries(look)) {
    const steps = path.split('.'), last = steps.pop();
    steps.reduce((at, step) => at[step] ??= {}, layout)[last] = value;
  }
  return layout;
};
