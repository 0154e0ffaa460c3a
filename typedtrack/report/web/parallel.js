// Parallel coordinates: one line a row, one axis a column. A brush on an axis filters the whole page.

import { axisOf, coloursNow, drawable, short } from "./scales.js";
import { positionOf } from "./selection.js";

const MOST_AXES = 12;
const AXIS_WIDTH = 75; // pixels that the labels of an axis need

export function showParallel(data, selection, init) {
  const place = document.getElementById("parallel");
  document.getElementById("lines").hidden = false;
  const chart = init(place, null, { renderer: "canvas" });
  let axes = [];
  let drawing = false;

  chart.on("axisareaselected", () => {
    if (drawing) return;
    const ranges = new Map();
    const option = chart.getOption();
    axes.forEach((number, dimension) => {
      const intervals = intervalsOf(chart, dimension) ?? option.parallelAxis[dimension].activeIntervals ?? [];
      if (intervals.length > 0) {
        const ends = intervals.flat();
        ranges.set(number, [Math.min(...ends), Math.max(...ends)]);
      }
    });
    selection.change({ ranges });
  });

  return function update() {
    const colours = coloursNow();
    const most = Math.max(2, Math.min(MOST_AXES, Math.floor(place.clientWidth / AXIS_WIDTH)));
    axes = drawable(data)
      .filter((number) => number !== selection.metric)
      .slice(0, most - 1);
    axes.push(selection.metric);
    drawing = true;
    chart.resize();
    chart.setOption(optionOf(data, selection, axes, colours), { replaceMerge: ["series", "parallelAxis"] });
    axes.forEach((number, dimension) => {
      const range = selection.ranges.get(number);
      chart.dispatchAction({
        type: "axisAreaSelect",
        parallelAxisId: String(number),
        intervals: range === undefined ? [] : [range],
      });
    });
    drawing = false;
  };
}

function intervalsOf(chart, dimension) {
  return chart.getModel().getComponent("parallelAxis", dimension)?.activeIntervals;
}

function optionOf(data, selection, axes, colours) {
  const line = (row) => axes.map((number) => {
    const position = positionOf(data.columns[number], row);
    return Number.isFinite(position) ? position : null; // by anything else ECharts would draw it at an axis's only text
  });
  return {
    animation: false,
    parallel: { left: 40, right: 60, top: 36, bottom: 20, parallelAxisDefault: { nameLocation: "end" } },
    parallelAxis: axes.map((number, dimension) => ({
      ...axisOf(data.columns[number], data.rows, colours),
      id: String(number),
      dim: dimension,
      name: short(data.columns[number].name),
      nameTextStyle: { color: colours.text, fontSize: 11 },
      areaSelectStyle: { width: 18, color: colours.mark, borderColor: colours.mark, opacity: 0.3 },
    })),
    series: [
      {
        type: "parallel",
        data: Array.from({ length: data.rows }, (_, row) => ({
          value: line(row),
          lineStyle: row === selection.marked
            ? { color: colours.mark, width: 3, opacity: 1 }
            : selection.passing.has(row)
              ? undefined
              : { color: colours.faint, opacity: 0.06 },
        })),
        lineStyle: { color: colours.point, width: 1, opacity: data.rows > 500 ? 0.15 : 0.5 },
        inactiveOpacity: 0.04,
        activeOpacity: data.rows > 500 ? 0.3 : 0.7,
        silent: true,
        progressive: 0, // all lines at once: a page on paper shows what is drawn
      },
    ],
  };
}
