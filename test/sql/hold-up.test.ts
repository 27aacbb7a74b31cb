import { beforeEach, expect, test } from "vitest";
import { holdUp } from "../../lambdas/migrate/observe.ts";
import { useEmbedded } from "../support/embedded.ts";
import { memoryPorts } from "../support/ports.ts";

// Aurora's own function as documented; the readers' figures come from the table.
const session = useEmbedded(`
  CREATE TABLE t (n int);
  CREATE TABLE reader (server_id text, session_id text, replica_lag_in_msec float8, last_update_timestamp timestamptz);
  SET allow_system_table_mods = on;
  CREATE FUNCTION pg_catalog.aurora_replica_status()
    RETURNS TABLE (server_id text, session_id text, replica_lag_in_msec float8, last_update_timestamp timestamptz)
    LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT r.* FROM public.reader r; END $$;
  SET allow_system_table_mods = off;`);

/** Returns the lines reported while batches of that table wait. */
async function told(): Promise<string[]> {
  const lines: string[] = [];
  const ports = { ...memoryPorts(), progress: (line: string) => void lines.push(line) };
  const running = { session, ports, step: { name: "backfill" } };
  await holdUp(running, { schema: "public", name: "t" }, { leftMs: 1 });
  return lines;
}

beforeEach(() => session.exec("TRUNCATE reader"));

test.each([
  [
    "a reader that is behind holds them up",
    "('r', 'uuid', 11000, now())",
    ["backfill: paused, a replica is 11 s behind"],
  ],
  ["one that keeps up does not", "('r', 'uuid', 9000, now())", []],
  ["the writer itself does not", "('w', 'MASTER_SESSION_ID', 99000, now())", []],
  ["one that was deleted does not", "('r', 'uuid', 99000, now() - interval '5 minutes')", []],
])("of an Aurora cluster %s", async (_, row, lines) => {
  await session.exec(`INSERT INTO reader VALUES ${row}`);
  expect(await told()).toEqual(lines);
});
