import { loadModule } from "libpg-query";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Session } from "../../../lambdas/shared/session.ts";
import { appliedIn } from "../../../lib/import/applied.ts";
import { draftFrom } from "../../../lib/import/import.ts";
import { TOOLS, type Tool } from "../../../lib/import/imported.ts";
import { splitFolder } from "../../../lib/import/pending.ts";
import { READERS } from "../../../lib/import/readers.ts";
import { versionsSql } from "../../../lib/import/tool-tables.ts";
import { createEmbedded, embeddedSession } from "../../../local/embedded-session.ts";
import { drafted, type Files, folderOf, said, toolsOf } from "../../support/imported.ts";
import { TOOL_FOLDERS } from "../../support/tool-folders.ts";

let session: Session;
let close: () => Promise<void>;
beforeAll(async () => {
  await loadModule();
  const db = await createEmbedded();
  session = embeddedSession(db);
  close = () => db.close();
});
afterAll(() => close());

/** Runs in a transaction that is rolled back. */
async function within<T>(work: () => Promise<T>): Promise<T> {
  await session.exec("BEGIN");
  try {
    return await work();
  } finally {
    await session.exec("ROLLBACK");
  }
}

const NOTING = TOOLS.filter((tool) => tool !== "numbered");

/** The table as the tool leaves it when the first two are applied. */
async function twoApplied(tool: Tool) {
  const folder = READERS[tool](folderOf(TOOL_FOLDERS[tool].files));
  const split = splitFolder(folder, { kind: "after", version: TOOL_FOLDERS[tool].after });
  const sql = versionsSql(folder, tool === "atlas" ? split.applied.map(counted) : split.applied);
  await session.exec(sql);
  return folder;
}
const counted = <T extends { row?: object }>(one: T) => ({ ...one, row: { ...one.row, total: 1 } });

/** The draft of what the database's table leaves pending. */
async function fromDatabase(tool: Tool, files: Files, given: { table?: string; until?: string } = {}) {
  return await draftFrom(
    { source: folderOf(files), tool, because: [] },
    { kind: "database", session, table: given.table },
    { take: [], skip: [], values: new Map() },
    given.until,
  );
}

describe("which migrations are applied", () => {
  test.each(NOTING)("%s's own table shows", async (tool) => {
    const { pending, files } = TOOL_FOLDERS[tool];
    await within(async () => {
      const folder = await twoApplied(tool);
      const says = await appliedIn(session, folder, undefined);
      const split = splitFolder(says.folder, says.applied);
      expect(split.pending.map(({ version }) => version)).toEqual(pending);
      expect(split.applied).toHaveLength(2);
      expect(split.late).toEqual([]);
      const draft = await drafted(tool, files, { after: TOOL_FOLDERS[tool].after });
      expect(says.version).toBe(draft.schema?.expectedVersion);
    });
  });

  test.each(NOTING)("%s's empty table shows none", async (tool) => {
    await within(async () => {
      const folder = READERS[tool](folderOf(TOOL_FOLDERS[tool].files));
      await session.exec(versionsSql(folder, []));
      const says = await appliedIn(session, folder, undefined);
      expect(splitFolder(says.folder, says.applied).pending).toHaveLength(4);
      expect(says.version).toBe("none");
    });
  });

  test.each([
    ["golang-migrate", "UPDATE schema_migrations SET dirty = true", /2 is dirty/],
    [
      "flyway",
      "UPDATE flyway_schema_history SET success = false WHERE version = '1.1'",
      /1\.1 has success = false/,
    ],
    ["sqlx", "UPDATE _sqlx_migrations SET success = false WHERE version = 2", /2 has success = false/],
  ] as const)("is refused where %s itself would not continue", async (tool, sql, says) => {
    await within(async () => {
      const folder = await twoApplied(tool);
      await session.exec(sql);
      await expect(appliedIn(session, folder, undefined)).rejects.toThrow(says);
    });
  });

  test("is refused where there is no such table, or one of another tool", async () => {
    const folder = READERS.goose(folderOf(TOOL_FOLDERS.goose.files));
    await expect(appliedIn(session, folder, undefined)).rejects.toThrow(/has no table goose_db_version/);
    await within(async () => {
      await session.exec("CREATE TABLE goose_db_version (version text)");
      await expect(appliedIn(session, folder, undefined)).rejects.toThrow(
        /is not goose's: it has no column id/,
      );
    });
  });

  test("by a table of another name is read there, and the plan names the table", async () => {
    await within(async () => {
      await twoApplied("dbmate");
      await session.exec("CREATE SCHEMA ops; ALTER TABLE schema_migrations SET SCHEMA ops");
      const draft = await fromDatabase("dbmate", TOOL_FOLDERS.dbmate.files, {
        table: "ops.schema_migrations",
      });
      expect(draft.schema).toEqual({
        tool: "dbmate",
        table: "ops.schema_migrations",
        expectedVersion: "20260101000002",
      });
    });
  });
});

describe("differences from the table are reported:", () => {
  test("a file that was changed after it was applied", async () => {
    await within(async () => {
      await twoApplied("sqlx");
      const folder = READERS.sqlx(folderOf({ ...TOOL_FOLDERS.sqlx.files, "1_a.sql": "SELECT 1;" }));
      const { folder: now } = await appliedIn(session, folder, undefined);
      expect(said(now.notes)).toContainEqual(
        expect.stringMatching(/^1_a\.sql was changed after it was applied/),
      );
    });
  });

  test("a migration that is applied, and is not in the folder", async () => {
    await within(async () => {
      const { files } = TOOL_FOLDERS.dbmate;
      await twoApplied("dbmate");
      const { "20260101000001_a.sql": _, ...rest } = files;
      const { folder } = await appliedIn(session, READERS.dbmate(folderOf(rest)), undefined);
      expect(said(folder.notes)).toContainEqual(
        expect.stringMatching(/has applied 20260101000001, which is not in the folder/),
      );
    });
  });

  test("a migration that comes before one that is applied, and that the tool would never run", async () => {
    await within(async () => {
      const { files } = TOOL_FOLDERS.drizzle;
      const folder = READERS.drizzle(folderOf(files));
      const split = splitFolder(folder, { kind: "after", version: "0001_b" });
      await session.exec(versionsSql(folder, split.applied.slice(1)));
      const says = await appliedIn(session, folder, undefined);
      expect(said(splitFolder(says.folder, says.applied).late)).toEqual([
        expect.stringMatching(
          /^0000_a\.sql is not applied, but the later 0001_b is.*Drizzle skips it forever/,
        ),
      ]);
    });
  });
});

test("--until leaves doubts about later migrations for another plan, too", async () => {
  await within(async () => {
    const { files } = TOOL_FOLDERS.goose;
    const folder = READERS.goose(folderOf(files));
    await session.exec(versionsSql(folder, folder.migrations.slice(2, 3)));
    const comesLate = expect.stringContaining("is not applied, but the later");
    expect((await fromDatabase("goose", files)).doubts).toMatchObject([
      { says: comesLate },
      { says: comesLate },
    ]);
    const until = folder.migrations[0]?.version ?? "";
    expect((await fromDatabase("goose", files, { until })).doubts).toMatchObject([{ says: comesLate }]);
  });
});

test("Django's version is that of the apps whose migrations are pending", async () => {
  await within(async () => {
    const files = {
      "1.shop.0001_a.sql": "CREATE TABLE a ();",
      "2.auth.0001_b.sql": "CREATE TABLE b ();",
      "3.shop.0002_c.sql": "CREATE TABLE c ();",
    };
    const folder = READERS.django(folderOf(files));
    await session.exec(versionsSql(folder, folder.migrations.slice(0, 2)));
    const draft = await fromDatabase("django", files);
    expect(draft.migrations.map(({ version }) => version)).toEqual(["shop.0002_c"]);
    expect(draft.schema).toEqual({ tool: "django", expectedVersion: "shop.0001_a" });
  });
});

test("Flyway's baseline counts as all that comes before it", async () => {
  await within(async () => {
    const folder = READERS.flyway(folderOf(TOOL_FOLDERS.flyway.files));
    await session.exec(versionsSql(folder, []));
    await session.exec(
      "INSERT INTO flyway_schema_history VALUES (1, '1.1', '<< Flyway Baseline >>', 'BASELINE', '<< Flyway Baseline >>', NULL, 'x', now(), 0, true)",
    );
    const says = await appliedIn(session, folder, undefined);
    expect(splitFolder(says.folder, says.applied).pending.map(({ version }) => version)).toEqual([
      "1.2",
      "1.10",
    ]);
  });
});

test("Liquibase's table shows the path of its files", async () => {
  await within(async () => {
    const folder = await twoApplied("liquibase");
    await session.exec("UPDATE databasechangelog SET filename = 'db/' || filename");
    const says = await appliedIn(session, folder, undefined);
    const [pending] = splitFolder(says.folder, says.applied).pending;
    expect(pending?.row).toMatchObject({ filename: "db/changes.sql" });
  });
});

test("each of these folders is seen to be its tool's", () => {
  for (const tool of TOOLS)
    if (!["golang-migrate", "sqlx"].includes(tool))
      expect(toolsOf(TOOL_FOLDERS[tool].files), tool).toEqual([tool]);
});
