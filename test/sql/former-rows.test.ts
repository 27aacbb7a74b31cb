import { afterEach, beforeEach, expect, test } from "vitest";
import { listTables, takeTableContent } from "../../lambdas/proof/checksums.ts";
import { compareContents } from "../../lambdas/proof/compare-contents.ts";
import { keepRows, makeRoomForRows, rowsThatDiffer } from "../../lambdas/proof/former-rows.ts";
import { useEmbedded } from "../support/embedded.ts";

const session = useEmbedded();
beforeEach(() =>
  session.exec(`CREATE TABLE account (id bigint PRIMARY KEY, email text, balance numeric);
    INSERT INTO account SELECT i, 'user ' || i, 10 FROM generate_series(1, 500) i;
    CREATE TABLE seat ("Hall" text, no int, who text, PRIMARY KEY ("Hall", no));
    INSERT INTO seat VALUES ('A', 1, 'x'), ('A', 2, 'y'), ('B "', 1, 'z');
    CREATE TABLE keyless (a int); INSERT INTO keyless VALUES (1)`),
);
afterEach(() => session.exec("DROP TABLE IF EXISTS account, seat, keyless"));

const contents = async () => {
  const found = [];
  for (const { table, columns } of await listTables(session))
    found.push(await takeTableContent(session, table, columns, "full", { sums: true }));
  return found;
};

async function named(change: string): Promise<(string | undefined)[]> {
  await makeRoomForRows(session);
  const before = await contents();
  await keepRows(session, "staging-001", before);
  await session.exec(change);
  const differ = compareContents(before, await contents());
  const found = [];
  for (const { table } of differ) {
    const was = before.find((content) => content.table === table);
    if (was) found.push(await rowsThatDiffer(session, "staging-001", was));
  }
  return found;
}

test.each([
  ["one that is changed", "UPDATE account SET balance = 10.0 WHERE id = 17", ['by "id": changed 17']],
  [
    "some that are changed, and how many more",
    "UPDATE account SET email = lower(email) || '!'",
    ['by "id": changed 1, 2, 3, 4, 5 and 495 more'],
  ],
  [
    "five in all, of those that are gone and of those that came",
    "DELETE FROM account WHERE id < 5; INSERT INTO account VALUES (9007199254740993), (9007199254740995); UPDATE account SET email = '' WHERE id = 9",
    ['by "id": gone 1, 2, 3, 4; changed 9; added 2'],
  ],
  ["numbers in full", "INSERT INTO account VALUES (9007199254740993)", ['by "id": added 9007199254740993']],
  [
    "keys of several columns, quoted",
    `UPDATE seat SET who = who || who WHERE no = 1`,
    [String.raw`by ("Hall", "no"): changed ("A", 1), ("B \"", 1)`],
  ],
  ["none of a table without a key", "UPDATE keyless SET a = 2", [undefined]],
  ["none where the key is gone", "ALTER TABLE seat DROP no", [undefined]],
  [
    "long keys cut",
    "INSERT INTO seat VALUES (repeat('x', 500), 1)",
    [expect.stringMatching(/^by .* added \("x{59}…, 1\)$/u)],
  ],
])("a difference names rows: %s", async (_, change, expected) => {
  expect(await named(change)).toEqual(expected);
});

test("rows that only moved on disk are not named", async () => {
  expect(await named("UPDATE account SET email = email; UPDATE seat SET who = '' WHERE no = 2")).toEqual([
    'by ("Hall", "no"): changed ("A", 2)',
  ]);
});

test("nothing is named where nothing was kept", async () => {
  await makeRoomForRows(session);
  const [, seat] = await contents();
  if (seat) expect(await rowsThatDiffer(session, "staging-777", seat)).toBeUndefined();
  await session.exec("DROP SCHEMA IF EXISTS sluice CASCADE");
  const [account] = await contents();
  if (!account) throw new Error("no table");
  expect(await rowsThatDiffer(session, "staging-001", account)).toBeUndefined();
});
