import * as z from "zod";
import type { Problem } from "../gate/decide.ts";
import { takesName } from "../gate/kinds.ts";
import { mixesScripts, SLUICE, samePerson } from "../gate/names.ts";
import type { GateDoc } from "../shared/documents.ts";
import type { RunSettings } from "../shared/settings.ts";

// No control characters, line ends among them; none that have no meaning or half of one; and none that cannot be seen
// or that turn the direction of text, which could make one name look like another in the report. Two that join letters
// cannot be seen either: some scripts need them.
const line = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^(?:[^\p{Cc}\p{Cs}\p{Cn}\p{Co}\p{Zl}\p{Zp}\p{DI}\p{Bidi_Control}]|\u200c|\u200d)*$/u);
// A browser counts the end of a line as one character, and sends two.
const text = (most: number) =>
  z
    .string()
    .transform((value) => value.replace(/\r\n?/g, "\n"))
    .pipe(
      z
        .string()
        .max(most)
        .regex(/^(?:[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]|\n|\t)*$/u),
    );

const form = z.strictObject({
  key: z.string().min(1).max(100),
  decision: z.enum(["Go", "NoGo"]),
  by: line(100),
  comment: text(1_500).default(""),
  /** The database's identifier, typed. */
  instance: line(100).default(""),
  /** Places in the checklist. */
  tick: z
    .array(
      z
        .string()
        .regex(/^\d{1,3}$/)
        .transform(Number),
    )
    .default([]),
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

/** What only a form can lack; what every answer needs is in `decide`. */
export function formProblems(form: GateForm, doc: GateDoc, settings: RunSettings): Problem[] {
  const problems: Problem[] = [];
  if (samePerson(form.by, SLUICE))
    problems.push({
      field: "by",
      message: `Type your name. ${SLUICE} itself answers where nobody did in time.`,
    });
  if (mixesScripts(form.by))
    problems.push({
      field: "by",
      message:
        "Type your name in the letters of one script: one with letters that only look alike could pass for another's.",
    });
  if (form.decision !== "Go") return problems;
  if (!doc.checklist.every((_, i) => form.tick.includes(i)))
    problems.push({ field: "ticked", message: "A Go needs every point of the checklist." });
  if (takesName(doc.kind, settings) && form.instance.trim() !== settings.instance)
    problems.push({ field: "instance", message: `Type ${settings.instance}, exactly so.` });
  return problems;
}
