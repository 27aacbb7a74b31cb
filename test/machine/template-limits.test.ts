import { describe, expect, test } from "vitest";
import { compilePlan } from "../../lib/plan/compile.ts";
import { MOST_TEMPLATE_BYTES, templateBytesOf } from "../../lib/plan/limits.ts";
import { SettingsError } from "../../lib/settings.ts";
import { synthWithinLimits } from "../../lib/template-limits.ts";
import { fullSettings, makeApp } from "../support/stack.ts";

const { database, ...others } = fullSettings;

async function synthesized(count: number, planFolder: string): Promise<number> {
  const databases = Array.from({ length: count }, (_, i) => ({
    ...database,
    instance: `${"a".repeat(40)}-${i}`,
    secretArn: database.secretArn + i,
    secretKmsKeyArn: database.secretKmsKeyArn + i,
    storageKmsKeyArn: database.storageKmsKeyArn + i,
    alarms: [`alarm-${i}`],
  }));
  const { app, stack } = await makeApp({ planFolder, settings: { ...others, databases } });
  return synthWithinLimits(app, stack, count);
}

describe("the template", () => {
  test.each([
    ["test/plans/tiny", 1],
    ["test/plans/tiny", 5],
    ["sql/knowledge-graph", 1],
    ["sql/knowledge-graph", 5],
  ])(
    "of %s for %i databases is at most as large as check reports, and only a little smaller",
    async (planFolder, count) => {
      const bytes = await synthesized(count, planFolder);
      const said = templateBytesOf(await compilePlan(planFolder), count);
      expect(bytes).toBeLessThanOrEqual(said);
      expect(bytes).toBeGreaterThan(said * 0.85);
    },
  );

  test("of more databases than CloudFormation takes is refused with the number", async () => {
    const said = templateBytesOf(await compilePlan("test/plans/tiny"), 25);
    expect(said).toBeGreaterThan(MOST_TEMPLATE_BYTES);
    const refused = synthesized(25, "test/plans/tiny");
    await expect(refused).rejects.toBeInstanceOf(SettingsError);
    await expect(refused).rejects.toThrow(
      /databases: with 25 of them the template has \d{7} bytes, and CloudFormation's limit is 1000000/,
    );
    await expect(synthesized(60, "test/plans/tiny")).rejects.toThrow(
      /with 60 of them the template has \d{3} resources, and CloudFormation's limit is 500/,
    );
  });
});
