import { readFileSync } from "node:fs";
import type { App } from "aws-cdk-lib";
import type { CloudAssembly } from "aws-cdk-lib/cx-api";
import { MOST_TEMPLATE_BYTES } from "./plan/limits.ts";
import { SettingsError } from "./settings.ts";
import type { SluiceStack } from "./sluice-stack.ts";

/**
 * Synthesizes the app, and compares its template with CloudFormation's limits. The machine's part is the same for every
 * plan; each database adds to it.
 * @returns bytes of the template
 * @throws SettingsError with the number
 */
export function synthWithinLimits(app: App, stack: SluiceStack, databases: number): number {
  const { templateFullPath } = synth(app, databases).getStackArtifact(stack.artifactId);
  const bytes = readFileSync(templateFullPath).length;
  if (bytes > MOST_TEMPLATE_BYTES) throw tooLarge(databases, `${bytes} bytes`, String(MOST_TEMPLATE_BYTES));
  return bytes;
}

/** CDK counts the resources: some exist only once it synthesizes, such as a policy that outgrew another. */
function synth(app: App, databases: number): CloudAssembly {
  try {
    return app.synth();
  } catch (error) {
    const [, found, most] =
      /: (\d+) is greater than allowed maximum of (\d+)/.exec(error instanceof Error ? error.message : "") ??
      [];
    if (found === undefined || most === undefined) throw error;
    throw tooLarge(databases, `${found} resources`, most);
  }
}

function tooLarge(databases: number, size: string, most: string): SettingsError {
  return new SettingsError([
    `databases: with ${databases} of them the template has ${size}, and CloudFormation's limit is ${most}. Deploy some of them separately, with another stackName`,
  ]);
}
