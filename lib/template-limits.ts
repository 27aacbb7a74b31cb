import { readFileSync } from "node:fs";
import { type App, CfnResource } from "aws-cdk-lib";
import { MOST_TEMPLATE_BYTES } from "./plan/limits.ts";
import { SettingsError } from "./settings.ts";
import type { SluiceStack } from "./sluice-stack.ts";

/** CloudFormation takes no more of them in a template. */
const MOST_RESOURCES = 500;

/**
 * Synthesizes the app, and holds its template to what CloudFormation takes. The machine's part of it is the same for every
 * plan; each database adds to it.
 * @returns bytes of the template
 * @throws SettingsError with the number
 */
export function synthWithinLimits(app: App, stack: SluiceStack, databases: number): number {
  const resources = stack.node.findAll().filter((each) => CfnResource.isCfnResource(each)).length;
  if (resources > MOST_RESOURCES) throw tooLarge(databases, `${resources} resources`, MOST_RESOURCES);
  const { templateFullPath } = app.synth().getStackArtifact(stack.artifactId);
  const bytes = readFileSync(templateFullPath).length;
  if (bytes > MOST_TEMPLATE_BYTES) throw tooLarge(databases, `${bytes} bytes`, MOST_TEMPLATE_BYTES);
  return bytes;
}

function tooLarge(databases: number, size: string, most: number): SettingsError {
  return new SettingsError([
    `databases: with ${databases} of them the template has ${size}, and CloudFormation takes ${most}. Deploy some of them by themselves, with a stackName of their own`,
  ]);
}
