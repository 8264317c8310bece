// Draws the charts of a report; Plotly is unpacked from the file itself.
(() => {
  const hosts = [...document.querySelectorAll('.chart')];
  const PRINTED = 680; // pixels of an A4 page between its margins
  const unpack = async () => {
    const bytes = Uint8Array.from(atob(document.getElementById('plotly').textContent),
      sign => sign.charCodeAt(0));
    const text = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    const script = document.createElement('script');
    script.textContent = await new Response(text).text();
    document.head.append(script);
    return window.Plotly;
  };
  const look = host => {
    const css = getComputedStyle(document.documentElement);
    const colour = name => css.getPropertyValue(name).trim();
    const [ink, line, paper] = ['--ink', '--line', '--paper'].map(colour);
    const set = {'font.color': ink, 'font.family': getComputedStyle(document.body).fontFamily,
      'hoverlabel.bgcolor': paper, 'hoverlabel.font.color': ink, 'hoverlabel.bordercolor': line,
      'modebar.bgcolor': 'rgba(0,0,0,0)', 'modebar.color': line, 'modebar.activecolor': ink};
    for (const name of Object.keys(host.layout || {}).filter(key => /^[xy]axis/.test(key)))
      for (const part of ['gridcolor', 'linecolor', 'zerolinecolor']) set[`${name}.${part}`] = line;
    return set;
  };
  const paint = (more = {}) => hosts.filter(host => host.layout)
    .forEach(host => window.Plotly.relayout(host, {...look(host), ...more}));
  const draw = Plotly => Promise.all(hosts.map(async host => {
    const {data, layout} = JSON.parse(document.getElementById(host.dataset.source).textContent);
    await Plotly.newPlot(host, data, {...layout, autosize: true}, {responsive: true,
      displaylogo: false, showTips: false, showSendToCloud: false, displayModeBar: 'hover',
      modeBarButtonsToRemove: ['select2d', 'lasso2d', 'autoScale2d']});
    await Plotly.relayout(host, look(host));
    host.dataset.drawn = 'yes';
  }));
  const folds = [...document.querySelectorAll('details')];
  addEventListener('beforeprint', () => {
    folds.forEach(fold => { fold.dataset.was = fold.open ? 'open' : ''; fold.open = true; });
    // The styles of print do not hold yet at this moment; the class brings its colours.
    document.documentElement.classList.add('printing');
    paint({autosize: false, width: PRINTED});
    // Once more: the legend makes its room at one drawing and takes it at the next.
    hosts.filter(host => host.layout).forEach(host => window.Plotly.redraw(host));
  });
  addEventListener('afterprint', () => {
    folds.forEach(fold => { fold.open = fold.dataset.was === 'open'; });
    document.documentElement.classList.remove('printing');
    paint({autosize: true, width: null});
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => paint());
  unpack().then(draw).catch(fault => {
    console.error(fault);
    hosts.filter(host => !host.layout).forEach(host => {
      host.className = 'failed'; host.style.height = 'auto';
      host.textContent = 'This browser cannot draw the chart; the numbers are in the table below.';
    });
    folds.forEach(fold => { fold.open = true; });
  });
})();
