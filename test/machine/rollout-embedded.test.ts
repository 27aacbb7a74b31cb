import { expect, test } from "vitest";
import { embeddedDatabases } from "../../local/rollout/databases.ts";
import { endsIn, runRollout } from "../support/rollout.ts";

/** A dozen runs on a busy machine. */
const LONG = { timeout: 900_000 };

test(
  "ten embedded databases are migrated in one process, and only what differs asks people",
  LONG,
  async () => {
    const { end, gates } = await runRollout({ databases: embeddedDatabases(), waves: [1, 3, "rest"] });
    expect(endsIn(end)).toEqual({ Succeeded: 10 });
    // The gates of the first run, and then those of waves; the last wave is larger than may be held.
    expect(gates).toEqual([
      ...["readiness", "rehearsal", "after-002", "after-003", "open"],
      ...["keep-1", "start-2", "keep-2", "start-3"],
    ]);
  },
);

test(
  "a database that fails on its way is rolled back by its own run, and the others stay",
  LONG,
  async () => {
    const { end, gates } = await runRollout({
      databases: embeddedDatabases(4),
      waves: [1, "rest"],
      tolerated: 1,
      fail: new Map([["tenant-3", ["Apply 003 to production"]]]),
    });
    expect(end.end).toBe("Incomplete");
    expect(endsIn(end)).toEqual({ Succeeded: 3, RolledBack: 1 });
    expect(end.rows[2]).toMatchObject({ database: "tenant-3", end: "RolledBack" });
    expect(gates).toContain("keep-2");
  },
);
