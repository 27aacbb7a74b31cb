import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, type AppProps } from "aws-cdk-lib";
import { compilePlan } from "../../lib/plan/compile.ts";
import { parseSettings } from "../../lib/settings.ts";
import { SluiceStack } from "../../lib/sluice-stack.ts";
import { exampleSettings } from "./settings.ts";

/** Full settings, so that every possible permission exists. */
export const fullSettings = {
  ...exampleSettings,
  database: {
    ...exampleSettings.database,
    secretKmsKeyArn: "arn:aws:kms:eu-central-1:123456789012:key/secret",
    storageKmsKeyArn: "arn:aws:kms:eu-central-1:123456789012:key/storage",
  },
  network: { ...exampleSettings.network, endpoints: { routeTableIds: ["rtb-0123456789abcdef0"] } },
  backup: {
    copyTo: { region: "eu-west-1", kmsKeyArn: "arn:aws:kms:eu-west-1:123456789012:key/copies" },
    exportTo: { bucket: "orders-archive", kmsKeyArn: "arn:aws:kms:eu-central-1:123456789012:key/exports" },
  },
  alarms: ["orders-latency"],
};

/** Returns the app with the tiny plan. Bundling is off by default, as it is slow. */
export async function makeApp(
  options: { bundle?: boolean; settings?: unknown; planFolder?: string } & AppProps = {},
) {
  const { bundle = false, settings = fullSettings, planFolder = "test/plans/tiny", ...props } = options;
  const app = new App({
    outdir: mkdtempSync(join(tmpdir(), "sluice-app-")),
    builtinCloudFormationValidation: false,
    ...props,
    context: {
      "@aws-cdk/aws-iam:minimizePolicies": true,
      ...(bundle ? {} : { "aws:cdk:bundling-stacks": [] }),
    },
  });
  const plan = await compilePlan(planFolder);
  const stack = new SluiceStack(app, "Sluice", { settings: parseSettings(settings), plan });
  return { app, stack };
}
