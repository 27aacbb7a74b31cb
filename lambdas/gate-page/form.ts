import * as z from "zod";
import type { Problem } from "../gate/decide.ts";
import { takesName } from "../gate/kinds.ts";
import { nameProblem } from "../gate/names.ts";
import { line, text } from "../gate/said.ts";
import type { GateDoc } from "../shared/documents.ts";
import { knownAs } from "../shared/run-database.ts";
import type { RunSettings } from "../shared/settings.ts";

const form = z.strictObject({
  key: z.string().min(1).max(100),
  decision: z.enum(["Go", "NoGo"]),
  /** Empty where the link says who it is. */
  by: line(100).optional(),
  comment: text(1_500).default(""),
  /** The database's identifier, typed. */
  instance: line(200).default(""),
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
  const wrongName = doc.approvers ? undefined : nameProblem(form.by ?? "");
  if (wrongName !== undefined) problems.push({ field: "by", message: wrongName });
  if (form.decision !== "Go") return problems;
  if (!doc.checklist.every((_, i) => form.tick.includes(i)))
    problems.push({ field: "ticked", message: "A Go needs every point of the checklist." });
  if (takesName(doc.kind, settings) && form.instance.trim() !== knownAs(settings))
    problems.push({ field: "instance", message: `Type ${knownAs(settings)}, exactly so.` });
  return problems;
}
