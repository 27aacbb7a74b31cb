import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SESSION_SETTINGS, withPgSession } from "../../lambdas/shared/pg-session.ts";
import { LEFT_SETTINGS } from "../support/left-settings.ts";
import { onServer, urlOf } from "../support/native.ts";

let role: string;
beforeEach(async () => {
  role = `sluice-test-${randomBytes(4).toString("hex")}`;
  await onServer((s) => s.exec(`CREATE ROLE "${role}" LOGIN SUPERUSER`));
});
afterEach(() => onServer((s) => s.exec(`DROP ROLE "${role}"`)));

describe("settings of a session, on the server's version", () => {
  test("each that a role may have is pinned, or left for a reason", async () => {
    const rows = await onServer((session) =>
      session.query<{ name: string }>(
        "SELECT name FROM pg_settings WHERE context IN ('user', 'superuser') AND name !~ '[.]'",
      ),
    );
    expect(rows.filter(({ name }) => !(name in SESSION_SETTINGS) && !LEFT_SETTINGS.has(name))).toEqual([]);
  });

  // One role gets all settings at once that could do harm.
  test("are what they are pinned to, whatever the role has", async () => {
    const others: Readonly<Record<string, string>> = {
      ...{
        transaction_timeout: "50ms",
        statement_timeout: "60s",
        lock_timeout: "1ms",
        idle_session_timeout: "60s",
      },
      ...{
        idle_in_transaction_session_timeout: "60s",
        client_connection_check_interval: "1s",
        exit_on_error: "on",
      },
      ...{ default_transaction_isolation: "serializable", default_transaction_deferrable: "on" },
      ...{
        synchronous_commit: "off",
        quote_all_identifiers: "on",
        DateStyle: "German",
        IntervalStyle: "iso_8601",
      },
      ...{ extra_float_digits: "-15", bytea_output: "escape", xmlbinary: "hex", xmloption: "document" },
      ...{
        standard_conforming_strings: "off",
        backslash_quote: "on",
        array_nulls: "off",
        transform_null_equals: "on",
      },
      ...{ row_security: "off", check_function_bodies: "off", restrict_nonsystem_relation_kind: "view" },
      ...{ gin_fuzzy_search_limit: "5", stats_fetch_consistency: "snapshot", client_min_messages: "notice" },
      ...{ session_replication_role: "replica", event_triggers: "off", track_activities: "off" },
    };
    for (const [name, value] of Object.entries(others))
      await onServer((s) => s.exec(`ALTER ROLE "${role}" SET ${name} = '${value}'`));
    await withPgSession({ connectionString: urlOf("postgres", role) }, async (session) => {
      const rows = await session.query<{ name: string; setting: string }>(
        "SELECT name, setting FROM pg_settings WHERE name = ANY ($1)",
        [Object.keys(others)],
      );
      const expected = Object.keys(others).map((name) => [
        name,
        name === "DateStyle" ? "ISO, DMY" : SESSION_SETTINGS[name],
      ]);
      expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual(
        Object.fromEntries(expected),
      );
      const [name] = await session.query("SELECT quote_ident('plain') AS name, pg_sleep(0.1)");
      expect(name).toMatchObject({ name: "plain" });
    });
  });
});
