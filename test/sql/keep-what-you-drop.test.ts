import { beforeAll, describe, expect, test } from "vitest";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { describeDifference, differences } from "../../lambdas/proof/difference.ts";
import type { Fingerprint } from "../../lambdas/shared/documents.ts";
import { useEmbedded } from "../support/embedded.ts";
import { BEFORE_KEEPING, keptPattern } from "../support/kept-pattern.ts";

const session = useEmbedded(BEFORE_KEEPING);
const rows = () => session.query("SELECT * FROM orders ORDER BY id");

describe("the pattern that the docs show", () => {
  let files: ReadonlyMap<string, string>;
  let before: { catalog: Fingerprint; rows: unknown[] };
  const run = async (file: string) => {
    const sql = files.get(file);
    if (sql === undefined) throw new Error(`The docs show no ${file}`);
    await session.exec(`BEGIN; ${sql}; COMMIT`);
  };
  beforeAll(async () => {
    files = await keptPattern();
    before = { catalog: await takeFingerprint(session), rows: await rows() };
  });
  const difference = async () =>
    differences(before.catalog, await takeFingerprint(session)).map(describeDifference);

  test("has a way there and one back for a column and for a table", () => {
    expect([...files.keys()]).toEqual([
      "007_short_codes/migrate.sql",
      "007_short_codes/rollback.sql",
      "008_no_carts/migrate.sql",
      "008_no_carts/rollback.sql",
    ]);
  });

  test.each(["007_short_codes", "008_no_carts"])(
    "%s brings everything back, also when it is run twice",
    async (folder) => {
      await run(`${folder}/migrate.sql`);
      expect(await difference()).not.toEqual([]);
      for (const _ of [1, 2]) {
        await run(`${folder}/rollback.sql`);
        expect(await difference()).toEqual([]);
        expect(await rows()).toEqual(before.rows);
      }
    },
  );

  test("lets the application write meanwhile, and keeps what it wrote", async () => {
    await run("007_short_codes/migrate.sql");
    await session.exec("INSERT INTO orders (id, code) VALUES (101, 'late')");
    await run("007_short_codes/rollback.sql");
    expect(await difference()).toEqual([]);
    expect(await session.query("SELECT code FROM orders WHERE id IN (1, 101) ORDER BY id")).toEqual([
      { code: "code of order 1" },
      { code: "late" },
    ]);
  });
});
