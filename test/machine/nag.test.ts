import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { expect, test } from "vitest";
import { fullSettings, makeApp } from "../support/stack.ts";

const { database: only, ...others } = fullSettings;
const { secretArn, secretKmsKeyArn: _, ...database } = only;

test.each([
  ["with settings in full", fullSettings],
  [
    "with tokens of IAM's, and no restore",
    { ...fullSettings, database: { ...database, iamUser: "sluice" }, restore: false },
  ],
  [
    "with a secret that the account's default key encrypts",
    { ...fullSettings, database: { ...database, secretArn } },
  ],
  [
    "with several databases, each with a login of its own",
    {
      ...others,
      databases: [
        only,
        { ...database, instance: "stock", iamUser: "migrator" },
        { ...database, name: "archive", secretArn },
      ],
    },
  ],
  [
    "with a cluster beside an instance",
    {
      ...others,
      databases: [only, { ...database, instance: undefined, cluster: "stock", secretArn }],
    },
  ],
  [
    "with a cluster alone, whose members are named, and clones",
    {
      ...others,
      backup: "clone",
      database: { ...only, instance: undefined, cluster: "stock", members: ["blue", "green"] },
    },
  ],
])(
  "cdk-nag and CloudFormation's own rules find nothing that is not accepted with a reason, %s",
  async (_what, settings) => {
    const { app } = await makeApp({ builtinCloudFormationValidation: true, settings });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    app.synth();
    const { pluginReports } = JSON.parse(
      readFileSync(join(app.outdir, "validation-report.json"), "utf8"),
    ) as {
      pluginReports: { pluginName: string; violations: unknown[] }[];
    };
    // CloudFormation's rules are in the report only when they found something, and never fail a synthesis.
    expect(pluginReports.map(({ pluginName }) => pluginName)).toContain("AwsSolutions");
    for (const { violations } of pluginReports) expect(violations).toEqual([]);
  },
);
