// Puts and gets results on a disk, written from docs/reference/wire-format.md alone.
// A result is a Map. An int in it is a BigInt, a float a number, a str a string.
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const [MAX_BYTES, MIN_INT, MAX_INT] = [2 ** 20, -(2n ** 63n), 2n ** 64n - 1n];
const [SPACE, STRING] = ["[ \\t\\n\\r]*", '("(?:[^"\\\\\\0-\\x1f]|\\\\(?:["\\\\/bfnrt]|u[\\da-fA-F]{4}))*")'];
const NUMBER = "(-?(?:0|[1-9]\\d*))((?:\\.\\d+)?(?:[eE][-+]?\\d+)?)|(NaN|-?Infinity)";
const MEMBER = new RegExp(`${SPACE}${STRING}${SPACE}:${SPACE}(?:${STRING}|${NUMBER})${SPACE}([,}])`, "y");
const [START, END] = [new RegExp(`^${SPACE}{`), new RegExp(`^${SPACE}$`)];
let writes = 0;

function must(keep, rule) {
  if (!keep) throw new Error(`not ${rule}`);
  return keep;
}

function mustBeText(text, least, most, forbidden) {
  const bytes = Buffer.byteLength(text);
  must(text.isWellFormed() && least <= bytes && bytes <= most && !forbidden.test(text), "a valid text");
}

function pathOf(base, key) {
  mustBeText(key, 1, 1024, /[\0-\x1f\x7f-\x9f\\]/);
  for (const segment of key.split("/")) mustBeText(segment, 1, 255, /^\./);
  return `${base}/${key}`;
}

function mustBeResult(result) {
  must(result.size > 0, "empty");
  for (const [name, value] of result) {
    mustBeText(name, 1, 256, /[\0-\x1f\x7f-\x9f"\\]/);
    if (typeof value === "string") mustBeText(value, 0, 1024, /(?!)/);
    if (typeof value === "bigint") must(MIN_INT <= value && value <= MAX_INT, "beyond 64 bits");
  }
  return result;
}

function textOf(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return String(value);
  return Object.is(value, -0) ? "-0.0" : String(value).replace(/^-?\d+$/, "$&.0");
}

export function put(base, key, result) {
  const path = pathOf(base, key);
  const lines = [...mustBeResult(result)].map(([name, value]) => `  "${name}": ${textOf(value)}`);
  const data = Buffer.from(`{\n${lines.join(",\n")}\n}\n`);
  must(data.length <= MAX_BYTES, "too large");
  const temporary = `${dirname(path)}/.typedtrack-${process.pid}-${writes++}.tmp`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(temporary, data);
  renameSync(temporary, path);
}

function sizeOf(path) {
  try {
    const status = statSync(path);
    return status.isDirectory() ? null : status.size;
  } catch (error) {
    if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
    return null;
  }
}

export function get(base, key) {
  const path = pathOf(base, key);
  const size = sizeOf(path);
  if (size === null) return null;
  must(size <= MAX_BYTES, "too large");
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  const result = new Map();
  MEMBER.lastIndex = must(START.exec(text), "an object")[0].length;
  for (let mark = ","; mark === ","; ) {
    const [, name, string, digits, rest, token, after] = must(MEMBER.exec(text), "a field");
    const isInt = rest === "";
    const value = isInt ? BigInt(digits) : string ? JSON.parse(string) : Number(token ?? digits + rest);
    must(token || typeof value !== "number" || Number.isFinite(value), "a double");
    result.set(JSON.parse(name), value);
    mark = after;
  }
  must(END.test(text.slice(MEMBER.lastIndex)), "an object alone");
  return mustBeResult(result);
}
