// Answers each line {call, base, key, fields} with {fields} or {error}. A field is [name, kind, text]: an int in digits,
// a float as its 64 bits, a str as it is.
import { createInterface } from "node:readline";
import { get, put } from "./results.mjs";

const view = new DataView(new ArrayBuffer(8));

function written(value) {
  if (typeof value !== "number") return [typeof value === "bigint" ? "int" : "str", String(value)];
  view.setFloat64(0, value);
  return ["float", view.getBigUint64(0).toString(16).padStart(16, "0")];
}

function read(kind, text) {
  if (kind !== "float") return kind === "int" ? BigInt(text) : text;
  view.setBigUint64(0, BigInt(`0x${text}`));
  return view.getFloat64(0);
}

createInterface({ input: process.stdin }).on("line", async (line) => {
  const { call, base, key, fields } = JSON.parse(line);
  try {
    if (call === "put") put(base, key, new Map(fields.map(([name, kind, text]) => [name, read(kind, text)])));
    const found = call === "get" ? await get(base, key) : null;
    console.log(JSON.stringify({ fields: found && [...found].map(([name, value]) => [name, ...written(value)]) }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
});
