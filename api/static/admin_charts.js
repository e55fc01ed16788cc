// Draws what stands in tables, by uPlot. The tables stay; without this a sketch is shown in the chart's place.
"use strict";

(() => {
  const HEIGHT_PX = 220;
  const DAY_S = 86400;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

  // Amounts on an axis, short; exact ones are read from the table.
  const amounts = (currency) => {
    const style = currency ? { style: "currency", currency, currencyDisplay: "narrowSymbol" } : {};
    const short = new Intl.NumberFormat("en", { ...style, notation: "compact", maximumFractionDigits: 1, minimumFractionDigits: 0 });
    return (value) => (value === null ? "" : short.format(value));
  };

  const colours = () => [token("accent"), token("warn"), token("bad")];

  const axis = (more) => ({ stroke: token("soft"), grid: { stroke: token("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif", ...more });

  // How one series is drawn; a mark is that of its column.
  const series = (mark, index, label) => {
    const stroke = colours()[index] || token("ink");
    const drawn = { label, stroke, width: 2, points: { show: false } };
    if (mark === "bars") return { ...drawn, width: 0, fill: stroke + "A6", paths: uPlot.paths.bars({ size: [0.7, 40], radius: 0.15 }) };
    if (mark === "dashed") return { ...drawn, dash: [5, 4] };
    return { ...drawn, fill: stroke + "22" };
  };

  const legend = (names) => {
    const list = document.createElement("ul");
    list.className = "admin-legend";
    for (const [index, name] of names.entries()) {
      const item = document.createElement("li");
      if (index > 0) item.className = ["second", "third"][index - 1];
      item.innerHTML = '<svg viewBox="0 0 20 8" aria-hidden="true"><path d="M0 4h20"/></svg>';
      item.append(name);
      list.append(item);
    }
    return list;
  };

  // A chart of days, in the place of its sketch.
  const draw = (figure) => {
    const plot = figure.querySelector("[data-plot]");
    const reading = figure.querySelector("[data-reading]");
    const heads = [...figure.querySelectorAll("thead th[data-mark]")];
    const rows = [...figure.querySelectorAll("tbody tr[data-day]")];
    const names = heads.map((head) => head.textContent);
    const days = rows.map((row) => Date.parse(row.dataset.day) / 1000);
    const columns = heads.map((_, index) => rows.map((row) => Number(row.querySelectorAll("[data-value]")[index].dataset.value)));
    const said = reading.textContent;
    const tell = (index) => {
      const row = rows[index];
      if (!row) { reading.textContent = said; return; }
      const cells = [...row.querySelectorAll("[data-value]")].map((cell, at) => names[at] + " " + cell.textContent);
      reading.textContent = row.dataset.day + ": " + cells.join(", ");
    };
    const show = amounts(figure.dataset.currency);
    // A day is as wide as its bar, also the first and the last.
    const edge = DAY_S * 0.6;
    const options = {
      width: plot.clientWidth,
      height: HEIGHT_PX,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
      scales: {
        x: { range: () => [days[0] - edge, days[days.length - 1] + edge] },
        y: { range: (_, least, most) => [0, most > 0 ? most * 1.05 : 1] },
      },
      axes: [
        axis({ grid: { show: false }, size: 32, space: 60, incrs: [1, 2, 7, 14, 28, 61, 91, 182, 365].map((count) => count * DAY_S), values: (_, at) => at.map((seconds) => new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" }).format(seconds * 1000)) }),
        axis({ size: 60, space: 40, incrs: figure.dataset.currency ? undefined : [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6], values: (_, at) => at.map(show) }),
      ],
      series: [{}, ...heads.map((head, index) => series(head.dataset.mark, index, names[index]))],
      hooks: { setCursor: [(chart) => tell(chart.cursor.idx)] },
    };
    plot.replaceChildren();
    const chart = new uPlot(options, [days, ...columns], plot);
    chart.root.setAttribute("aria-hidden", "true");
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", figure.querySelector("h2").textContent + ". " + plot.dataset.hint);
    reading.setAttribute("aria-live", "polite");
    plot.onkeydown = (event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -days.length, End: days.length };
      if (!(event.key in steps)) return;
      event.preventDefault();
      const from = chart.cursor.idx ?? (steps[event.key] > 0 ? -1 : days.length);
      const to = Math.max(0, Math.min(days.length - 1, from + steps[event.key]));
      chart.setCursor({ left: chart.valToPos(days[to], "x"), top: 0 });
    };
    plot.onblur = () => chart.setCursor({ left: -10, top: -10 });
    return chart;
  };

  const figures = [...document.querySelectorAll("[data-chart]")];
  for (const figure of figures) {
    const heads = [...figure.querySelectorAll("thead th[data-mark]")];
    if (heads.length > 1) figure.querySelector("[data-plot]").after(legend(heads.map((head) => head.textContent)));
  }
  let charts = [];
  const redraw = () => {
    for (const chart of charts) chart.destroy();
    charts = figures.map(draw);
  };
  redraw();
  dark.addEventListener("change", redraw);
  new ResizeObserver(() => {
    for (const chart of charts) {
      const width = chart.root.parentElement.clientWidth;
      if (width !== chart.width) chart.setSize({ width, height: HEIGHT_PX });
    }
  }).observe(document.querySelector("main"));
})();
