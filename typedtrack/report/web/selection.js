// The state of the page: which rows pass the filters, how they are sorted, which one is marked.
// The fragment of the address keeps it, by the numbers of columns.

export class Selection {
  constructor(data, fragment) {
    this.data = data;
    this.metric = data.by;
    this.sort = data.by;
    this.descending = data.highest;
    this.text = "";
    this.marked = null;
    this.ranges = new Map(); // number of a column → [lowest, highest], of its position on the axis
    this.listeners = [];
    this.texts = null;
    this.restore(fragment);
    this.refresh();
  }

  onChange(listener) {
    this.listeners.push(listener);
  }

  change(values) {
    Object.assign(this, values);
    this.changed();
  }

  changed() {
    this.refresh();
    for (const listener of this.listeners) listener();
  }

  // The numbers of the rows that pass the filters, in the order of the table.
  refresh() {
    const { data } = this;
    const rows = [];
    const wanted = this.text.trim().toLowerCase();
    for (let row = 0; row < data.rows; row += 1) {
      if (this.passesRanges(row) && (wanted === "" || this.textOf(row).includes(wanted))) rows.push(row);
    }
    if (this.sort !== null) {
      const column = data.columns[this.sort];
      const sign = this.descending ? -1 : 1;
      rows.sort((a, b) => compare(column, a, b, sign) || a - b);
    }
    this.rows = rows;
    this.passing = new Set(rows);
  }

  passesRanges(row) {
    for (const [number, [lowest, highest]] of this.ranges) {
      const position = positionOf(this.data.columns[number], row);
      if (!(position >= lowest && position <= highest)) return false;
    }
    return true;
  }

  textOf(row) {
    this.texts ??= Array.from({ length: this.data.rows }, (_, each) =>
      this.data.columns
        .map((column) => column.values[each] ?? "")
        .join("\n")
        .toLowerCase(),
    );
    return this.texts[row];
  }

  get fragment() {
    const state = {
      m: this.metric,
      s: this.sort,
      d: this.descending ? 1 : 0,
      t: this.text,
      k: this.marked,
      r: [...this.ranges].map(([number, range]) => [number, ...range]),
    };
    return `#${encodeURIComponent(JSON.stringify(state))}`;
  }

  restore(fragment) {
    let state;
    try {
      state = JSON.parse(decodeURIComponent(fragment.slice(1)));
    } catch {
      return; // no state of ours
    }
    const count = this.data.columns.length;
    const isColumn = (number) => Number.isInteger(number) && number >= 0 && number < count;
    if (isColumn(state?.m) && this.data.columns[state.m].number) this.metric = state.m;
    if (isColumn(state?.s)) this.sort = state.s;
    if (state?.d === 0 || state?.d === 1) this.descending = state.d === 1;
    if (typeof state?.t === "string") this.text = state.t;
    if (Number.isInteger(state?.k) && state.k >= 0 && state.k < this.data.rows) this.marked = state.k;
    for (const range of Array.isArray(state?.r) ? state.r : []) {
      if (Array.isArray(range) && isColumn(range[0]) && Number.isFinite(range[1]) && Number.isFinite(range[2])) {
        this.ranges.set(range[0], [range[1], range[2]]);
      }
    }
  }
}

// Absent values and NaN come last, whichever way the table is sorted.
function compare(column, a, b, sign) {
  const [one, other] = [column.values[a], column.values[b]];
  const [isLast, otherIsLast] = [isAbsent(column, one), isAbsent(column, other)];
  if (isLast || otherIsLast) return Number(isLast) - Number(otherIsLast);
  if (column.number) return sign * (Number(one) - Number(other) || 0);
  return sign * (one < other ? -1 : one > other ? 1 : 0);
}

function isAbsent(column, value) {
  return value === null || (column.number && Number.isNaN(Number(value)));
}

// The position of a row's value on an axis: a number, or the place of a text among its column's texts.
export function positionOf(column, row) {
  const value = column.values[row];
  if (value === null) return Number.NaN;
  if (column.number) return Number(value);
  return categoriesOf(column).get(value);
}

const known = new WeakMap();

export function categoriesOf(column) {
  let categories = known.get(column);
  if (categories === undefined) {
    const names = [...new Set(column.values.filter((value) => value !== null))].sort();
    categories = new Map(names.map((name, place) => [name, place]));
    known.set(column, categories);
  }
  return categories;
}
