import { describe, expect, test } from "vitest";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { describeDifference, differences, differencesOfAccess } from "../../lambdas/proof/difference.ts";
import type { Fingerprint } from "../../lambdas/shared/documents.ts";
import { useEmbedded } from "../support/embedded.ts";
import { CHANGES, NO_CHANGES, SHOP } from "./fingerprint-cases.ts";

const session = useEmbedded(SHOP);

describe("a change is noticed, named, and gone when it is undone:", () => {
  // A case's state after it has undone its change is the next case's start.
  let current: Fingerprint | undefined;

  test.each(CHANGES)("$what", async ({ change, undo, seen }) => {
    const before = current ?? (await takeFingerprint(session));
    await session.exec(change);
    const after = await takeFingerprint(session);
    await session.exec(undo);
    const undone = await takeFingerprint(session);
    current = undone;

    expect(after.hash).not.toBe(before.hash);
    const lines = differences(before, after).map(describeDifference);
    expect(
      lines.some((line) => line.includes(seen)),
      `${seen}\nin:\n${lines.join("\n")}`,
    ).toBe(true);
    expect(differences(before, undone).map(describeDifference)).toEqual([]);
    expect(undone.hash).toBe(before.hash);
  });
});

describe("what is no change of the catalog changes no fingerprint:", () => {
  test.each(NO_CHANGES)("$what", async ({ does, undo }) => {
    const before = await takeFingerprint(session);
    await session.exec(does);
    const after = await takeFingerprint(session);
    await session.exec(undo ?? "");
    expect(differences(before, after).map(describeDifference)).toEqual([]);
    expect(after.hash).toBe(before.hash);
  });
});

describe("the fingerprint does not depend on who takes it and how:", () => {
  test.each([
    ["search_path", "SET search_path = app, public", "RESET search_path"],
    ["an empty search_path", "SET search_path = ''", "RESET search_path"],
    ["role", "SET ROLE app_user", "RESET ROLE"],
    ["TimeZone", "SET TimeZone = 'Asia/Tokyo'", "RESET TimeZone"],
    ["DateStyle", "SET DateStyle = 'German'", "RESET DateStyle"],
    ["IntervalStyle", "SET IntervalStyle = 'iso_8601'", "RESET IntervalStyle"],
    ["extra_float_digits", "SET extra_float_digits = -10", "RESET extra_float_digits"],
    ["bytea_output", "SET bytea_output = 'escape'", "RESET bytea_output"],
    ["quote_all_identifiers", "SET quote_all_identifiers = on", "RESET quote_all_identifiers"],
    [
      "standard_conforming_strings",
      "SET standard_conforming_strings = off",
      "RESET standard_conforming_strings",
    ],
    [
      "a default of serializable",
      "SET default_transaction_isolation = 'serializable'",
      "RESET default_transaction_isolation",
    ],
    [
      "a temporary table named like a catalog",
      "CREATE TEMP TABLE pg_class (oid oid)",
      "DROP TABLE pg_temp.pg_class",
    ],
  ])("%s", async (_, set, reset) => {
    const { hash } = await takeFingerprint(session);
    await session.exec(set);
    try {
      expect((await takeFingerprint(session)).hash).toBe(hash);
    } finally {
      await session.exec(reset);
    }
  });
});

test("the session's settings are as they were afterwards, and no transaction is open", async () => {
  await session.exec("SET search_path = app; SET TimeZone = 'Asia/Tokyo'");
  await takeFingerprint(session);
  const [state] = await session.query(
    "SELECT current_setting('search_path') AS path, current_setting('TimeZone') AS zone, " +
      "current_setting('transaction_read_only') AS read_only",
  );
  await session.exec("RESET ALL");
  expect(state).toEqual({ path: "app", zone: "Asia/Tokyo", read_only: "off" });
});

test("within a transaction that has read already, it refuses rather than see two snapshots", async () => {
  await session.exec("BEGIN; SELECT 1");
  await expect(takeFingerprint(session)).rejects.toMatchObject({ code: "25001" });
});

test("an object's kind and name are unique, and the objects are sorted", async () => {
  const { objects } = await takeFingerprint(session);
  const keys = objects.map(({ kind, name }) => JSON.stringify([kind, name]));
  expect(new Set(keys).size).toBe(keys.length);
  expect([...keys].sort()).toEqual(keys);
  expect(objects.filter(({ kind, name }) => !kind || !name)).toEqual([]);
});

test("nothing of the ledger, of the system or of an extension's members is in it", async () => {
  await session.exec(
    "CREATE EXTENSION vector; CREATE SCHEMA sluice; CREATE TABLE sluice.ledger (id int PRIMARY KEY)",
  );
  const { objects } = await takeFingerprint(session);
  await session.exec("DROP EXTENSION vector; DROP SCHEMA sluice CASCADE");
  const names = objects.map(({ name }) => name);
  expect(names).toContain("vector");
  expect(
    names.filter((name) => /sluice|pg_toast|information_schema|RI_Constraint|halfvec/.test(name)),
  ).toEqual([]);
});

test("an extension's member that is altered or replaced is named", async () => {
  await session.exec("CREATE EXTENSION vector");
  const before = await takeFingerprint(session);
  await session.exec(`ALTER FUNCTION public.vector_dims(public.vector) SECURITY DEFINER;
    CREATE OR REPLACE FUNCTION public.vector_norm(public.vector) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT 0.0::float8'`);
  const [found, ...more] = differences(before, await takeFingerprint(session)).map(describeDifference);
  await session.exec("DROP EXTENSION vector");
  expect(more).toEqual([]);
  expect(found).toMatch(
    /^extension vector changed: was "function public.vector_dims\(public.vector\), owner/,
  );
  expect(found).toContain("vector_dims(public.vector), owner postgres, SECURITY DEFINER");
  expect(found).toContain("function public.vector_norm(public.vector)");
});

test("a requested role counts even if it owns nothing and has no grant here", async () => {
  await session.exec("CREATE ROLE by_public LOGIN");
  const before = await takeFingerprint(session, ["by_public", "not there"]);
  await session.exec("ALTER ROLE by_public BYPASSRLS");
  const after = await takeFingerprint(session, before.roles);
  await session.exec("DROP ROLE by_public");
  expect(differences(before, after).map(describeDifference)).toEqual([
    'role by_public changed: now "bypasses row security"',
  ]);
});

test("access is reported beside the catalog", async () => {
  const before = await takeFingerprint(session);
  await session.exec(
    "GRANT CONNECT ON DATABASE postgres TO auditor; REVOKE TEMP ON DATABASE postgres FROM PUBLIC",
  );
  const after = await takeFingerprint(session);
  await session.exec(
    "REVOKE CONNECT ON DATABASE postgres FROM auditor; GRANT TEMP ON DATABASE postgres TO PUBLIC",
  );
  expect(after.hash).toBe(before.hash);
  expect(differencesOfAccess(before, after).map(describeDifference)).toEqual([
    'access to this database changed: was "TEMPORARY granted to PUBLIC", now "CONNECT granted to auditor"',
  ]);
});

test("what the role may not read is named, and is no difference to one that may", async () => {
  await session.exec(
    "CREATE USER MAPPING FOR keeper SERVER warehouse OPTIONS (user 'k', password 'hunter2')",
  );
  const seen = await takeFingerprint(session);
  await session.exec("SET ROLE app_user");
  const unseen = await takeFingerprint(session);
  await session.exec("RESET ROLE; DROP USER MAPPING FOR keeper SERVER warehouse");
  expect(JSON.stringify(seen)).not.toContain("hunter2");
  expect(seen.unread).toBeUndefined();
  expect(unseen.unread).toEqual([{ kind: "options of user mapping", name: "keeper on server warehouse" }]);
  expect(differences(seen, unseen)).toEqual([]);
});

test("a setting of the application's own is compared, but its value is not shown", async () => {
  await session.exec("ALTER ROLE app_user IN DATABASE postgres SET app.jwt_secret = 'hunter2'");
  const { objects } = await takeFingerprint(session);
  await session.exec("ALTER ROLE app_user IN DATABASE postgres RESET app.jwt_secret");
  expect(JSON.stringify(objects)).not.toContain("hunter2");
  expect(
    objects.find(({ kind, name }) => kind === "setting" && name.startsWith("app.jwt_secret"))?.name,
  ).toBe("app.jwt_secret for role app_user");
});
