import * as z from "zod";

// Line ends aside, no control characters; and none that turn the direction of text, which could make one name look
// like another in the report.
const line = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u);
const text = (most: number) =>
  z
    .string()
    .max(most)
    .transform((value) => value.replace(/\r\n?/g, "\n"))
    .pipe(z.string().regex(/^(?:[^\p{Cc}\u202a-\u202e\u2066-\u2069]|\n|\t)*$/u));

const form = z.strictObject({
  key: z.string().min(1).max(100),
  decision: z.enum(["Go", "NoGo"]),
  by: line(100),
  comment: text(1_500).default(""),
  /** The database's identifier, typed. */
  instance: line(100).default(""),
  /** Places in the checklist. */
  tick: z.array(z.coerce.number().int().min(0).max(999)).default([]),
  /** SHA-256 of the page that the form stood on. */
  shown: z.string().regex(/^[0-9a-f]{64}$/),
});

export type GateForm = z.infer<typeof form>;

/** The form that was posted; undefined for anything that the page's own forms do not send. */
export function parseForm(body: string): GateForm | undefined {
  const params = new URLSearchParams(body);
  const names = [...new Set(params.keys())];
  // Two decisions in one form are none.
  if (names.some((name) => name !== "tick" && params.getAll(name).length > 1)) return undefined;
  const fields = Object.fromEntries(
    names.map((name) => [name, name === "tick" ? params.getAll(name) : params.get(name)]),
  );
  return form.safeParse(fields).data;
}
