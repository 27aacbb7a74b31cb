import { App } from "aws-cdk-lib";
import { compilePlan } from "../lib/plan/compile.ts";
import { parseSettings, SETTINGS_KEY } from "../lib/settings.ts";
import { SluiceStack } from "../lib/sluice-stack.ts";
import { stackName } from "../lib/stack-name.ts";
import { mistakeIn } from "./commands/mistake.ts";

const app = new App();
try {
  const settings = parseSettings(app.node.tryGetContext(SETTINGS_KEY));
  const plan = await compilePlan(settings.plan);
  new SluiceStack(app, stackName(settings), { settings, plan });
  app.synth();
} catch (error) {
  // For these the message says it all; a stack trace would hide it.
  const mistake = mistakeIn(error);
  if (mistake === undefined) throw error;
  console.error(mistake);
  process.exitCode = 1;
}
