// The script of a report: a table, scatter plots and parallel coordinates over the same rows.
// Names and values come from the page's JSON. They reach the page as text, and charts know columns by number only.

import { init, use } from "echarts/core";
import { CustomChart, ParallelChart, ScatterChart } from "echarts/charts";
import { GridComponent, MarkPointComponent, ParallelComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";

import { Selection } from "./selection.js";
import { showParallel } from "./parallel.js";
import { showPlots } from "./plots.js";
import { showTable } from "./table.js";

use([CustomChart, ParallelChart, ScatterChart, GridComponent, MarkPointComponent, ParallelComponent, CanvasRenderer]);

const data = JSON.parse(document.getElementById("data").textContent);
const selection = new Selection(data, location.hash);
const parts = [showTable(data, selection)];
if (data.rows > 0 && data.by !== null) {
  parts.push(showParallel(data, selection, init), showPlots(data, selection, init));
}
selection.onChange(() => {
  for (const update of parts) update();
  history.replaceState(null, "", selection.fragment);
});
for (const update of parts) update();

// The charts follow the size of the window, its colours, and the page on paper.
const redraw = () => selection.changed();
let waiting = 0;
addEventListener("resize", () => {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(redraw);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
matchMedia("print").addEventListener("change", redraw);
document.documentElement.dataset.ready = "true";
