// Axes and colours that the charts share.

import { categoriesOf, positionOf } from "./selection.js";

const FEW_CATEGORIES = 12;
const MOST_CATEGORIES = 30;
const LOG_FROM = 100; // two decades
const MOST_DECIMALS = 100; // of toFixed

const extents = new WeakMap();

// The least and the greatest finite value of a column, and whether all are positive.
function extentOf(column, rows) {
  let extent = extents.get(column);
  if (extent === undefined) {
    extent = { lowest: Infinity, highest: -Infinity };
    for (let row = 0; row < rows; row += 1) {
      const position = positionOf(column, row);
      if (Number.isFinite(position)) {
        extent.lowest = Math.min(extent.lowest, position);
        extent.highest = Math.max(extent.highest, position);
      }
    }
    extents.set(column, extent);
  }
  return extent;
}

export function isLog(column, rows) {
  if (!column.number) return false;
  const { lowest, highest } = extentOf(column, rows);
  return lowest > 0 && highest >= LOG_FROM * lowest;
}

// The columns that charts draw. A text column whose rows nearly all differ, such as a note, is not among them.
export function drawable(data) {
  return data.columns
    .map((column, number) => number)
    .filter((number) => {
      const column = data.columns[number];
      if (!column.number) {
        const { size } = categoriesOf(column);
        return size <= FEW_CATEGORIES || size <= Math.min(MOST_CATEGORIES, data.rows / 2);
      }
      return Number.isFinite(extentOf(column, data.rows).lowest);
    });
}

export function axisOf(column, rows, colours) {
  const shared = {
    axisLine: { lineStyle: { color: colours.line } },
    axisTick: { lineStyle: { color: colours.line } },
    axisLabel: { color: colours.text, hideOverlap: true, fontSize: 11, textBorderColor: colours.page, textBorderWidth: 3 },
    splitLine: { lineStyle: { color: colours.grid } },
  };
  if (!column.number) {
    const names = [...categoriesOf(column).keys()];
    return { ...shared, type: "category", data: names.map((_, place) => place), axisLabel: {
      ...shared.axisLabel,
      formatter: (place) => short(names[place] ?? ""),
    } };
  }
  const { lowest, highest } = extentOf(column, rows);
  if (isLog(column, rows)) {
    const axisLabel = { ...shared.axisLabel, showMinLabel: false, showMaxLabel: false, formatter: compact };
    return { ...shared, type: "log", min: lowest / 1.2, max: highest * 1.2, axisLabel };
  }
  const margin = (highest - lowest || Math.abs(highest) || 1) * 0.03;
  return {
    ...shared,
    type: "value",
    min: lowest - margin,
    max: highest + margin,
    axisLabel: { ...shared.axisLabel, showMinLabel: false, showMaxLabel: false, formatter: compact },
  };
}

export function coloursNow() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    page: read("--page"),
    text: read("--text"),
    line: read("--line"),
    grid: read("--grid"),
    point: read("--point"),
    faint: read("--faint"),
    mark: read("--mark"),
  };
}

// A number as people read it: six digits at most, and ints whole.
export function shown(value) {
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(6)));
}

// A mean with its standard error, both rounded to two digits of the error, as `typedtrack top` shows them.
export function shownWithError(mean, error) {
  if (typeof mean !== "number" || typeof error !== "number" || error <= 0) return `${shown(mean)} ± ${shown(error)}`;
  const decimals = Math.min(Math.max(0, 1 - Math.floor(Math.log10(error))), MOST_DECIMALS);
  return `${shown(Number(mean.toFixed(decimals)))} ± ${shown(Number(error.toFixed(decimals)))}`;
}

// A number for the narrow place beside an axis.
function compact(value) {
  const size = Math.abs(value);
  return size !== 0 && (size >= 1e6 || size < 1e-3) ? value.toExponential().replace(/(\.\d\d)\d+/, "$1") : shown(value);
}

export function short(text) {
  return text.length > 18 ? `${text.slice(0, 17)}…` : text;
}
