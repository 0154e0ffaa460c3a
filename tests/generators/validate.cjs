// Answers each line [document, texts of instances, options] with the list of which instances ajv finds valid.
const Ajv = require("ajv/dist/2020");

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [document, texts, options] = JSON.parse(line);
    const validate = new Ajv({ strict: false, ...options }).compile(document);
    console.log(JSON.stringify(texts.map((text) => validate(JSON.parse(text)))));
  });
