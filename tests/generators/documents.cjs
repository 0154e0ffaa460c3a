// Writes documents of one record as zod and TypeBox generate them, as one JSON object by the name of their form.
const z = require("zod");
const { Type } = require("@sinclair/typebox");

const stat = z.object({ mean: z.number(), sem: z.number().nonnegative() });
const run = z.object({
  accuracy: z.number().min(0).max(1).describe("Share of correct answers."),
  steps: z.int().positive(),
  seed: z.int32(),
  split: z.enum(["train", "test"]),
  optimizer: z.union([z.literal("adam"), z.literal("sgd")]),
  version: z.literal([1, 2]),
  kind: z.literal("run"),
  host: z.string().min(1).max(40).optional(),
  note: z.string().nullable(),
  git: z.string().regex(/^[0-9a-f]+/),
  step: z.number().multipleOf(0.5),
  either: z.union([z.int(), z.number()]),
  l2norm: stat,
  linf: stat.nullable(),
  tags: z.object({ host: z.string().max(10).optional() }),
});

const plain = Type.Object({ mean: Type.Number(), sem: Type.Number({ minimum: 0 }) });
const typebox = Type.Object({
  accuracy: Type.Number({ minimum: 0, maximum: 1, description: "Share of correct answers." }),
  steps: Type.Integer({ exclusiveMinimum: 0 }),
  seed: Type.Integer({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }),
  split: Type.Enum({ Train: "train", Test: "test" }),
  optimizer: Type.Union([Type.Literal("adam"), Type.Literal("sgd")]),
  version: Type.Union([Type.Literal(1), Type.Literal(2)]),
  kind: Type.Literal("run"),
  host: Type.Optional(Type.String({ minLength: 1, maxLength: 40 })),
  note: Type.Union([Type.String(), Type.Null()]),
  git: Type.String({ pattern: "^[0-9a-f]+" }),
  step: Type.Number({ multipleOf: 0.5 }),
  either: Type.Union([Type.Integer(), Type.Number()]),
  l2norm: plain,
  linf: Type.Union([plain, Type.Null()]),
  tags: Type.Object({ host: Type.Optional(Type.String({ maxLength: 10 })) }),
});
const parts = Type.Module({ Stat: plain, Run: Type.Object({ steps: Type.Integer(), l2norm: Type.Ref("Stat") }) });

const documents = {
  "zod-2020-12": z.toJSONSchema(run),
  "zod-draft-7": z.toJSONSchema(run, { target: "draft-7", io: "input" }),
  "zod-draft-4": z.toJSONSchema(run, { target: "draft-4" }),
  "zod-openapi-3.0": z.toJSONSchema(run, { target: "openapi-3.0" }),
  "zod-reused": z.toJSONSchema(run, { reused: "ref" }),
  typebox,
  "typebox-module": parts.Import("Run"),
};
console.log(JSON.stringify(documents, null, 1));
