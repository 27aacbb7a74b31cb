import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { environmentFor, findPrograms, run } from "../../../local/copies/programs.ts";
import { addressIn } from "../../../local/server/address.ts";
import { temporaryFolder } from "../../support/rehearsal.ts";

/** A folder whose programs report that version. */
async function folderOf(versions: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(await temporaryFolder(), "bin");
  await mkdir(folder);
  for (const [name, version] of Object.entries(versions)) {
    await writeFile(join(folder, name), `#!/bin/sh\necho "${name} (PostgreSQL) ${version}"\n`);
    await chmod(join(folder, name), 0o755);
  }
  return folder;
}

const find = (folder: string, orNewer: boolean) =>
  findPrograms(["pg_dump", "pg_restore"], 17, { orNewer, env: { SLUICE_POSTGRES_BIN: folder } });

describe("PostgreSQL's programs", () => {
  test("have the server's version, or a newer one where that is enough", async () => {
    const same = await folderOf({ pg_dump: "17.12", pg_restore: "17.12" });
    expect(await find(same, false)).toEqual({ folder: same, major: 17 });
    const newer = await folderOf({ pg_dump: "18.4", pg_restore: "18.4" });
    expect(await find(newer, true)).toEqual({ folder: newer, major: 18 });
    await expect(find(newer, false)).rejects.toThrow(/of PostgreSQL 17, .*Found: version 18 in /);
  });

  test.each([
    ["older", { pg_dump: "16.9", pg_restore: "16.9" }, /Found: version 16 in /],
    ["of two versions", { pg_dump: "17.1", pg_restore: "16.9" }, /Found: an unknown version in /],
    ["without a version", { pg_dump: "what", pg_restore: "what" }, /Found: version 0|an unknown version/],
    ["incomplete", { pg_dump: "17.1" }, /None were found\. Install them .*SLUICE_POSTGRES_BIN/],
  ])("are refused by name if they are %s", async (_, versions, expected) => {
    await expect(find(await folderOf(versions as Record<string, string>), true)).rejects.toThrow(expected);
  });

  test("get the login by their environment alone, with TLS and libpq's other settings, and nothing of another login", () => {
    const env = environmentFor(
      addressIn("postgresql://me:s3cret@db:5433/app?sslmode=require&application_name=x", "a test", {
        PGPASSWORD: "another",
        PGSSLMODE: "disable",
        PGCONNECT_TIMEOUT: "5",
      }),
    );
    expect(env).toMatchObject({
      ...{ PGHOST: "db", PGPORT: "5433", PGUSER: "me", PGDATABASE: "app", PGPASSWORD: "s3cret" },
      ...{ PGSSLMODE: "require", PGCONNECT_TIMEOUT: "5" },
    });
  });

  test("that fail are reported with their own errors, made plain, line by line", async () => {
    await expect(
      run("sh", ["-c", "printf 'one\\033[31m\\ntwo\\n' >&2; exit 3"], process.env),
    ).rejects.toThrow(/^one\P{Cc}*\ntwo$/u);
    await expect(run("sh", ["-c", "exit 3"], process.env)).rejects.toThrow("it ended with 3");
    await expect(run("/nowhere/at/all", [], process.env)).rejects.toThrow(/ENOENT/);
  });
});
