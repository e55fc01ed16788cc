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
    const short = new Intl.NumberFormat("en", { ...style, notation: "compact", maximumFractionDigits: 2, minimumFractionDigits: 0 });
    return (value) => (value === null ? "" : short.format(value));
  };

  const colours = () => [token("accent"), token("warn"), token("bad")];

  const axis = (more) => ({ stroke: token("soft"), grid: { stroke: token("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif", ...more });

  // How far the lines of a scale are apart, so that there are at most four above nothing, and what is most lies on or below the last.
  const step = (most, isCount) => {
    if (!(most > 0)) return 1;
    const unit = 10 ** Math.floor(Math.log10(most / 4));
    return [1, 2, 5, 10].map((times) => times * unit).find((one) => one * 4 >= most && (!isCount || one >= 1)) || 1;
  };
  const top = (most, isCount) => (most > 0 ? step(most, isCount) * Math.ceil(most / step(most, isCount) - 1e-9) : 1);
  const lines = (most, isCount) => {
    const apart = step(most, isCount);
    return Array.from({ length: Math.round(most / apart) + 1 }, (_, index) => index * apart);
  };

  // How one series is drawn; a mark is that of its column.
  const series = (mark, index, label) => {
    const stroke = colours()[index] || token("ink");
    const drawn = { label, stroke, width: 2, points: { show: false } };
    if (mark === "bars") return { ...drawn, width: 0, fill: stroke + "A6", paths: uPlot.paths.bars({ size: [0.7, 40], radius: 0.15 }) };
    if (mark === "dashed") return { ...drawn, dash: [5, 4] };
    return { ...drawn, fill: stroke + "22" };
  };

  const legend = (heads) => {
    const list = document.createElement("ul");
    list.className = "admin-legend";
    for (const [index, head] of heads.entries()) {
      const item = document.createElement("li");
      const isBars = head.dataset.mark === "bars";
      item.className = [["first", "second", "third"][index], isBars ? "bars" : ""].join(" ").trim();
      const drawn = isBars ? '<path d="M6 0h8v8H6z"/>' : '<path d="M0 4h20"/>';
      item.innerHTML = '<svg viewBox="0 0 20 8" aria-hidden="true">' + drawn + "</svg>";
      item.append(head.textContent);
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
    const isCount = !figure.dataset.currency;
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
        y: { range: (_, least, most) => [0, top(most, isCount)] },
      },
      axes: [
        axis({ grid: { show: false }, size: 32, space: 60, incrs: [1, 2, 7, 14, 28, 61, 91, 182, 365].map((count) => count * DAY_S), values: (_, at) => at.map((seconds) => new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" }).format(seconds * 1000)) }),
        axis({ size: 60, splits: (chart) => lines(chart.scales.y.max, isCount), values: (_, at) => at.map(show) }),
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
    if (heads.length > 1) figure.querySelector("[data-plot]").after(legend(heads));
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
