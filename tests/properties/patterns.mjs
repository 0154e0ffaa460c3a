// Answers each line [pattern, texts] with the list of which texts the pattern matches, or null if it is an error.
import { createInterface } from "node:readline";

createInterface({ input: process.stdin }).on("line", (line) => {
  const [pattern, texts] = JSON.parse(line);
  let answer = null;
  try {
    const found = new RegExp(pattern, "u");
    answer = texts.map((text) => found.test(text));
  } catch {}
  console.log(JSON.stringify(answer));
});
