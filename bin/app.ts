import { App } from "aws-cdk-lib";
import { compilePlan } from "../lib/plan/compile.ts";
import { limitsText } from "../lib/plan/limits.ts";
import { parseSettings, SETTINGS_KEY } from "../lib/settings.ts";
import { SluiceStack } from "../lib/sluice-stack.ts";
import { stackName } from "../lib/stack-name.ts";
import { synthWithinLimits } from "../lib/template-limits.ts";
import { mistakeIn } from "./commands/mistake.ts";

const app = new App();
try {
  const settings = parseSettings(app.node.tryGetContext(SETTINGS_KEY));
  const plan = await compilePlan(settings.plan);
  const stack = new SluiceStack(app, stackName(settings), { settings, plan });
  const databases = settings.databases.length;
  const templateBytes = synthWithinLimits(app, stack, databases);
  // On standard error: standard output may be the printed template.
  for (const line of limitsText(plan, { databases, templateBytes })) console.error(line);
} catch (error) {
  // These messages suffice; a stack trace would hide them.
  const mistake = mistakeIn(error);
  if (mistake === undefined) throw error;
  console.error(mistake);
  process.exitCode = 1;
}
