import { expect, test } from "vitest";
import * as z from "zod";
import { reportSchema } from "../../../lambdas/report/schema.ts";

test("the schema in docs is the report's: write it again with `npx vitest run --project unit report/schema --update`", async () => {
  const schema = z.toJSONSchema(reportSchema, {
    // Fields may be added without a new version: readers of this schema must accept them.
    override: ({ jsonSchema }) => void delete jsonSchema.additionalProperties,
  });
  const titled = { title: "report.json of a Sluice run", ...schema };
  await expect(`${JSON.stringify(titled, null, 2)}\n`).toMatchFileSnapshot(
    "../../../docs/report.schema.json",
  );
});
