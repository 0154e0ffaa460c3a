// Puts and gets results on a disk, written from docs/reference/wire-format.md alone.
// A result is a Map. An int in it is a BigInt, a float a number, a str a string.
import assert from "node:assert/strict";
import { createReadStream, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { buffer } from "node:stream/consumers";

const MAX_BYTES = 2 ** 20;

function checked(text, most, forbidden) {
  assert(text.isWellFormed() && Buffer.byteLength(text) <= most && !forbidden?.test(text), `not allowed: ${text}`);
  return text;
}

function pathOf(base, key) {
  for (const segment of checked(key, 1024, /[\p{Cc}\\]/u).split("/")) checked(segment, 255, /^$|^\./);
  return `${base}/${key}`;
}

function textOf(value) {
  if (typeof value !== "number") return typeof value === "string" ? JSON.stringify(value) : String(value);
  return Object.is(value, -0) ? "-0.0" : String(value).replace(/^-?\d+$/, "$&.0");
}

function numberOf(text) {
  const value = /^-?(0|[1-9]\d*)$/.test(text) ? BigInt(text) : Number(text);
  const isInt = typeof value === "bigint" && -(2n ** 63n) <= value && value < 2n ** 64n;
  const isFloat = Number.isFinite(value) && /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(text);
  assert(isInt || isFloat || /^(NaN|-?Infinity)$/.test(text), `not a number: ${text}`);
  return value;
}

function resultOf(data) {
  assert(data.length <= MAX_BYTES, "not a result: too large");
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  // JSON.parse knows no int and no NaN, so it gets each number as a string that begins with n. A string begins with s.
  const mark = (part) => (part.startsWith('"') ? `"s${part.slice(1)}` : `"n${part}"`);
  const fields = JSON.parse(text.replace(/"(?:[^"\\]|\\[^])*"|[-+.\w]+/g, mark));
  const result = new Map();
  for (const [name, value] of Object.entries(fields)) {
    assert(name[0] === "s" && typeof value === "string", `not a field: ${name}`);
    const content = value[0] === "s" ? checked(value.slice(1), 1024) : numberOf(value.slice(1));
    result.set(checked(name.slice(1), 256, /^$|[\p{Cc}"\\]/u), content);
  }
  assert(result.size > 0, "not a result: it has no field");
  return result;
}

export function put(base, key, result) {
  const path = pathOf(base, key);
  const lines = Array.from(result, ([name, value]) => `  ${JSON.stringify(name)}: ${textOf(value)}`);
  const data = Buffer.from(`{\n${lines.join(",\n")}\n}\n`);
  resultOf(data); // throws if the result breaks a rule
  const temporary = `${dirname(path)}/.typedtrack-${crypto.randomUUID()}.tmp`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(temporary, data);
  renameSync(temporary, path);
}

export async function get(base, key) {
  try {
    return resultOf(await buffer(createReadStream(pathOf(base, key), { end: MAX_BYTES }))); // the byte at `end` included
  } catch (error) {
    if (["EISDIR", "ENOENT", "ENOTDIR"].includes(error.code)) return null;
    throw error;
  }
}
