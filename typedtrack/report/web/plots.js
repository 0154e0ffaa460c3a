// One scatter plot a column: the metric over it, with error bars while few points are visible.

import { axisOf, coloursNow, drawable } from "./scales.js";
import { categoriesOf, positionOf } from "./selection.js";

const MOST_PLOTS = 24;
const MOST_ERROR_BARS = 200;
const SIDES = 60; // pixels beside the axis of a plot
const NARROWEST_LABEL = 24; // pixels

export function showPlots(data, selection, init) {
  const section = document.getElementById("plots");
  const choice = document.getElementById("metric");
  const metrics = drawable(data).filter((number) => data.columns[number].number);
  for (const number of metrics) {
    const option = document.createElement("option");
    option.value = String(number);
    option.textContent = data.columns[number].name;
    choice.append(option);
  }
  choice.value = String(selection.metric);
  choice.addEventListener("change", () => selection.change({ metric: Number(choice.value) }));
  document.getElementById("charts").hidden = false;

  const charts = new Map();
  function update() {
    const colours = coloursNow();
    const wanted = drawable(data)
      .filter((number) => number !== selection.metric)
      .slice(0, MOST_PLOTS);
    for (const [number, { figure, chart }] of charts) {
      if (!wanted.includes(number)) {
        chart.dispose();
        figure.remove();
        charts.delete(number);
      }
    }
    for (const number of wanted) {
      if (!charts.has(number)) charts.set(number, figureOf(data.columns[number].name, section, init));
      const { chart, caption, place } = charts.get(number);
      caption.textContent = `${data.columns[selection.metric].name} over ${data.columns[number].name}`;
      place.setAttribute("aria-label", `Plot of ${caption.textContent}; the table has the same values`);
      chart.resize();
      chart.setOption(optionOf(data, selection, number, colours, chart.getWidth()), { notMerge: true });
    }
  }
  function figureOf(name, parent, make) {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const place = document.createElement("div");
    place.className = "plot";
    place.setAttribute("role", "img");
    figure.append(caption, place);
    parent.append(figure);
    const chart = make(place, null, { renderer: "canvas" });
    chart.on("click", (event) => {
      if (event.data !== undefined) selection.change({ marked: event.data[2] });
    });
    return { figure, caption, place, chart };
  }
  return update;
}

function optionOf(data, selection, number, colours, width) {
  const across = data.columns[number];
  const metric = data.columns[selection.metric];
  const points = [];
  for (const row of selection.rows) {
    const [x, y] = [positionOf(across, row), positionOf(metric, row)];
    if (Number.isFinite(x) && Number.isFinite(y)) points.push([x, y, row, metric.errors?.[row] ?? null]);
  }
  const marked = points.filter((point) => point[2] === selection.marked);
  const series = [
    {
      type: "scatter",
      data: points,
      symbolSize: points.length > 1000 ? 3 : 7,
      itemStyle: { color: colours.point, opacity: points.length > 500 ? 0.35 : 0.7 },
      animation: false,
      large: points.length > 5000,
    },
    {
      type: "scatter",
      data: marked,
      symbolSize: 14,
      itemStyle: { color: colours.mark },
      animation: false,
      z: 5,
    },
  ];
  if (metric.errors !== undefined && points.length < MOST_ERROR_BARS) {
    series.push({
      type: "custom",
      data: points.filter((point) => Number.isFinite(point[3]) && point[3] > 0),
      renderItem: errorBar,
      encode: { x: 0, y: 1 },
      itemStyle: { color: colours.point },
      animation: false,
      silent: true,
    });
  }
  return {
    grid: { left: 8, right: 12, top: 12, bottom: 8, containLabel: true },
    xAxis: withNarrowLabels(axisOf(across, data.rows, colours), across, width),
    yAxis: axisOf(metric, data.rows, colours),
    series,
  };
}

// The axis with each label cut to its share of the width, so that a long text hides no other.
function withNarrowLabels(axis, column, width) {
  if (column.number) return axis;
  const share = Math.max((width - SIDES) / categoriesOf(column).size, NARROWEST_LABEL);
  return { ...axis, axisLabel: { ...axis.axisLabel, interval: 0, width: share, overflow: "truncate" } };
}

function errorBar(params, api) {
  const [x, y, error] = [api.value(0), api.value(1), api.value(3)];
  const [above, below] = [api.coord([x, y + error]), api.coord([x, y - error])];
  if (!Number.isFinite(below[1]) || !Number.isFinite(above[1])) return undefined;
  return {
    type: "line",
    shape: { x1: above[0], y1: above[1], x2: below[0], y2: below[1] },
    style: { stroke: api.visual("color"), lineWidth: 1 },
  };
}
