import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import { PACKAGE_FOLDER } from "../lib/package.ts";
import { parseSettings, SETTINGS_KEY, type Settings } from "../lib/settings.ts";
import { SluiceStack } from "../lib/sluice-stack.ts";
import { stackName } from "../lib/stack-name.ts";
import { type Definition, definitionOf, type Template } from "./definition.ts";

export interface SynthOptions {
  rehearse: "before" | "inside";
  /** Where the final snapshot also goes; default: as in cdk.json. */
  backup?: Settings["backup"];
  /** Whether production may be restored; default: as in cdk.json. */
  restore?: boolean;
}

const CDK_JSON = join(PACKAGE_FOLDER, "cdk.json");

/**
 * Synthesizes the app as `cdk synth` does, with the same context. Only the functions' code is left out: a local run calls it
 * directly.
 */
export async function templateOf(
  plan: CompiledPlan,
  { rehearse, backup, restore }: SynthOptions,
): Promise<Template> {
  const { context } = JSON.parse(await readFile(CDK_JSON, "utf8")) as { context: Record<string, unknown> };
  const settings = {
    ...parseSettings(context[SETTINGS_KEY]),
    rehearse,
    ...(backup && { backup }),
    ...(restore === undefined ? {} : { restore }),
  };
  const outdir = await mkdtemp(join(tmpdir(), "sluice-synth-"));
  try {
    const app = new App({
      outdir,
      // `cdk synth` validates the template; here only a part of it is used.
      builtinCloudFormationValidation: false,
      context: { ...context, "aws:cdk:bundling-stacks": [] },
    });
    const stack = new SluiceStack(app, stackName(settings), { settings, plan });
    return app.synth().getStackArtifact(stack.artifactId).template as Template;
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
}

/** The definition of a run, from that template. */
export async function synthesize(plan: CompiledPlan, options: SynthOptions): Promise<Definition> {
  return definitionOf(await templateOf(plan, options));
}
