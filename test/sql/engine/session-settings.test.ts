import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAKE_SETTINGS, ONLY_FROM, SESSION_SETTINGS } from "../../../lambdas/shared/pg-session.ts";
import { createEmbedded } from "../../../local/embedded-session.ts";
import { LEFT_SETTINGS } from "../../support/left-settings.ts";

let db: PGlite;
beforeAll(async () => {
  db = await createEmbedded();
});
afterAll(() => db.close());

describe("settings of a session, on PostgreSQL 18", () => {
  test("each that a role may have is pinned, or left for a reason, and not both", async () => {
    const { rows } = await db.query<{ name: string }>(
      "SELECT name FROM pg_settings WHERE context IN ('user', 'superuser') AND name !~ '[.]'",
    );
    const undecided = rows.filter(({ name }) => !(name in SESSION_SETTINGS) && !LEFT_SETTINGS.has(name));
    expect(undecided).toEqual([]);
    expect(Object.keys(SESSION_SETTINGS).filter((name) => LEFT_SETTINGS.has(name))).toEqual([]);
  });

  test("are set if they differ, and a missing right is not requested", async () => {
    await db.exec(`
      CREATE ROLE plain;
      SET quote_all_identifiers = on; SET transaction_timeout = '5s'; SET synchronous_commit = remote_write;
      SET DateStyle = 'SQL, DMY'; SET default_transaction_isolation = serializable; SET session_replication_role = replica;
      SET ROLE plain`);
    await db.query(MAKE_SETTINGS, [JSON.stringify(SESSION_SETTINGS), JSON.stringify(ONLY_FROM)]);
    const { rows } = await db.query(
      `SELECT current_setting('quote_all_identifiers') AS quoted, current_setting('transaction_timeout') AS timeout,
              current_setting('synchronous_commit') AS commit, current_setting('DateStyle') AS style,
              current_setting('default_transaction_isolation') AS isolation,
              current_setting('session_replication_role') AS replication`,
    );
    expect(rows).toEqual([
      {
        ...{ quoted: "off", timeout: "0", commit: "remote_write", style: "ISO, DMY" },
        ...{ isolation: "read committed", replication: "replica" },
      },
    ]);
  });
});
