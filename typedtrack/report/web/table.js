// The table: sorted by a click on a column's name, filtered by text, read by keyboard and screen reader.

import { shown, shownWithError } from "./scales.js";

const PAGE = 200; // rows at a time: a browser is slow with tens of thousands of cells

export function showTable(data, selection) {
  const table = document.getElementById("results");
  const head = table.tHead.rows[0];
  const body = table.tBodies[0];
  const count = document.getElementById("count");
  const more = document.getElementById("more");
  const filter = document.getElementById("filter");
  const reset = document.getElementById("reset");
  let pages = 1;

  const buttons = data.columns.map((column, number) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    if (column.number) cell.className = "number";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = column.name;
    button.addEventListener("click", () => {
      const again = selection.sort === number;
      selection.change({ sort: number, descending: again ? !selection.descending : Boolean(column.number) });
    });
    cell.append(button);
    head.append(cell);
    return cell;
  });

  filter.value = selection.text;
  filter.addEventListener("input", () => {
    pages = 1;
    selection.change({ text: filter.value });
  });
  more.addEventListener("click", () => {
    pages += 1;
    update();
  });
  reset.addEventListener("click", () => {
    filter.value = "";
    pages = 1;
    selection.ranges.clear();
    selection.change({ text: "", marked: null });
  });
  body.addEventListener("click", (event) => mark(event.target.closest("tr")));
  body.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      mark(event.target.closest("tr"));
    }
  });

  function mark(line) {
    if (line === null) return;
    const row = Number(line.dataset.row);
    selection.change({ marked: selection.marked === row ? null : row });
  }

  function update() {
    buttons.forEach((cell, number) => {
      const direction = selection.descending ? "descending" : "ascending";
      if (selection.sort === number) cell.setAttribute("aria-sort", direction);
      else cell.removeAttribute("aria-sort");
    });
    const rows = selection.rows.slice(0, pages * PAGE);
    const focused = document.activeElement?.closest?.("tr")?.dataset.row;
    body.replaceChildren(...rows.map((row) => lineOf(data, selection, row)));
    if (focused !== undefined) body.querySelector(`tr[data-row="${Number(focused)}"]`)?.focus();
    count.textContent =
      rows.length < selection.rows.length
        ? `The first ${rows.length} of ${selection.rows.length} rows that pass the filters, of ${data.rows} in all.`
        : `${selection.rows.length} of ${data.rows} rows pass the filters.`;
    more.hidden = rows.length === selection.rows.length;
  }
  return update;
}

function lineOf(data, selection, row) {
  const line = document.createElement("tr");
  line.dataset.row = String(row);
  line.tabIndex = 0;
  if (selection.marked === row) line.setAttribute("aria-current", "true");
  for (const column of data.columns) {
    const cell = document.createElement("td");
    if (column.number) cell.className = "number";
    const value = column.values[row];
    if (value === null) {
      cell.classList.add("absent");
      cell.textContent = "–";
    } else {
      const error = column.errors?.[row];
      cell.textContent = error === undefined || error === null ? shown(value) : shownWithError(value, error);
    }
    line.append(cell);
  }
  return line;
}
