import { App } from "aws-cdk-lib";
import { compilePlan } from "../lib/plan/compile.ts";
import { PlanError } from "../lib/plan/plan-error.ts";
import { parseSettings, SETTINGS_KEY, SettingsError } from "../lib/settings.ts";
import { SluiceStack } from "../lib/sluice-stack.ts";

const app = new App();
try {
  const settings = parseSettings(app.node.tryGetContext(SETTINGS_KEY));
  const plan = await compilePlan(settings.plan);
  new SluiceStack(app, `Sluice-${settings.database.instance}`, { settings, plan });
  app.synth();
} catch (error) {
  // For these the message says it all; a stack trace would hide it.
  if (!(error instanceof SettingsError || error instanceof PlanError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
