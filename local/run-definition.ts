import { readFile } from "node:fs/promises";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import { BUILT, IS_BUILT } from "../lib/package.ts";
import { type Definition, definitionOf, type Template } from "./definition.ts";
import type { SynthOptions } from "./synthesize.ts";

/**
 * The definition that a run interprets. The package includes it, as it is the same for every plan; in the repository it is
 * synthesized from the sources, which needs CDK.
 */
export async function definitionFor(
  plan: CompiledPlan,
  rehearse: SynthOptions["rehearse"],
): Promise<Definition> {
  return definitionOf(await templateFor(plan, rehearse));
}

/** The template that it is taken from. */
export async function templateFor(plan: CompiledPlan, rehearse: SynthOptions["rehearse"]): Promise<Template> {
  if (IS_BUILT) return JSON.parse(await readFile(BUILT.template(rehearse), "utf8")) as Template;
  const { templateOf } = await import("./synthesize.ts");
  return await templateOf(plan, { rehearse });
}
