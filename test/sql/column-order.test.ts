import { beforeEach, describe, expect, test } from "vitest";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { describeDifference, differences, movedInWords } from "../../lambdas/proof/difference.ts";
import type { Fingerprint } from "../../lambdas/shared/documents.ts";
import { useEmbedded } from "../support/embedded.ts";

const session = useEmbedded();
const COLUMNS = Array.from({ length: 19 }, (_, n) => `c${n} int`).join(", ");

let before: Fingerprint;
beforeEach(async () => {
  await session.exec(`DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s;
    CREATE TABLE s."a.b" ("x.y" int NOT NULL, ${COLUMNS}, gone_before int);
    ALTER TABLE s."a.b" DROP gone_before;
    CREATE TYPE s.pair AS (l int, m int, r int);
    CREATE STATISTICS s.both ON "x.y", c1 FROM s."a.b";
    CREATE VIEW s.rest AS SELECT c1, c2, c3 FROM s."a.b"`);
  before = await takeFingerprint(session);
});

async function seen(change: string): Promise<{ differences: string[]; moved: string[]; same: boolean }> {
  await session.exec(change);
  const after = await takeFingerprint(session);
  return {
    differences: differences(before, after).map(describeDifference),
    moved: movedInWords(before, after),
    same: before.hash === after.hash,
  };
}

describe("a column that was dropped and came back last", () => {
  test("is no difference, and its position is reported; the columns behind it did not move", async () => {
    expect(
      await seen(`ALTER TABLE s."a.b" DROP "x.y"; ALTER TABLE s."a.b" ADD "x.y" int NOT NULL;
        CREATE STATISTICS s.both ON c1, "x.y" FROM s."a.b"`),
    ).toEqual({
      differences: [],
      moved: [
        'column s."a.b"."x.y" moved from position 1 to 20: a dropped column comes back as the last one',
      ],
      // A gate's Go is for the catalog as it was to the letter.
      same: false,
    });
  });

  test("is none for two of them, in whatever order they came back, and for an attribute of a type", async () => {
    const { differences, moved } = await seen(
      `ALTER TABLE s."a.b" DROP c5, DROP c7; ALTER TABLE s."a.b" ADD c7 int, ADD c5 int;
       ALTER TYPE s.pair DROP ATTRIBUTE m, ADD ATTRIBUTE m int`,
    );
    expect(differences).toEqual([]);
    expect(moved.map((line) => line.slice(0, line.indexOf(" moved from")))).toEqual([
      'column s."a.b".c7',
      'column s."a.b".c5',
      "column s.pair.m",
    ]);
  });

  test("of another type is one difference, of its type alone", async () => {
    const { differences } = await seen('ALTER TABLE s."a.b" DROP c4; ALTER TABLE s."a.b" ADD c4 bigint');
    expect(differences).toEqual(['column s."a.b".c4 changed: was "type: integer", now "type: bigint"']);
  });
});

describe("the order of columns that stayed", () => {
  test("counts in a table that was made again", async () => {
    const { differences, moved } = await seen(
      "DROP TYPE s.pair; CREATE TYPE s.pair AS (m int, l int, r int)",
    );
    expect(differences).toEqual([
      'column s.pair.l changed: was "position: 1", now "position: 2"',
      'column s.pair.m changed: was "position: 2", now "position: 1"',
    ]);
    expect(moved).toEqual([]);
  });

  test("counts in a view", async () => {
    const { differences } = await seen(
      'DROP VIEW s.rest; CREATE VIEW s.rest AS SELECT c2, c1, c3 FROM s."a.b"',
    );
    expect(differences.filter((line) => line.includes("position"))).toHaveLength(2);
  });

  test("counts if the evidence does not show which columns stayed", async () => {
    before = { ...before, objects: before.objects.map(({ number: _, ...object }) => object) };
    const { differences } = await seen('ALTER TABLE s."a.b" DROP c17; ALTER TABLE s."a.b" ADD c17 int');
    expect(differences.length).toBeGreaterThan(0);
  });
});
