import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { called } from "../../../lib/import/call.ts";
import { READERS } from "../../../lib/import/readers.ts";
import { readSource } from "../../../lib/import/source.ts";

/** A project with a program of that name in PATH, which runs the given script. */
function project(files: Readonly<Record<string, string>>, program: string, script: string): string {
  const root = mkdtempSync(join(tmpdir(), "sluice-call-"));
  mkdirSync(join(root, "bin"));
  mkdirSync(join(root, "migrations"));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
  writeFileSync(join(root, "bin", program), `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, "bin", program), 0o755);
  vi.stubEnv("PATH", `${join(root, "bin")}:${process.env.PATH}`);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true });
  });
  return root;
}

const REVISION = 'revision = "a1"\ndown_revision = None\n';

test("Alembic prints the SQL of all revisions, called in the folder of its settings", async () => {
  const root = project(
    { "alembic.ini": "", "migrations/a.py": REVISION },
    "alembic",
    `test -f alembic.ini || exit 3
case "$3" in
  upgrade) printf -- '-- Running upgrade  -> a1\\nCREATE TABLE a ();\\n';;
  downgrade) printf -- '-- Running downgrade a1 -> \\nDROP TABLE a;\\n';;
esac`,
  );
  const { migrations } = READERS.alembic(await called(readSource(join(root, "migrations")), "alembic"));
  expect(migrations).toMatchObject([
    { version: "a1", up: { text: "CREATE TABLE a ();\n\n" }, down: { text: "DROP TABLE a;\n\n" } },
  ]);
});

test("a revision that cannot be undone leaves the restore as the way back", async () => {
  const root = project(
    { "alembic.ini": "", "migrations/a.py": REVISION },
    "alembic",
    `test "$3" = upgrade || exit 1
printf -- '-- Running upgrade  -> a1\\nCREATE TABLE a ();\\n'`,
  );
  const [migration] = READERS.alembic(
    await called(readSource(join(root, "migrations")), "alembic"),
  ).migrations;
  expect(migration?.down).toMatchObject({ none: expect.stringContaining("alembic downgrade a1:base --sql") });
});

test("the tool's own error is shown", async () => {
  const root = project(
    { "alembic.ini": "", "migrations/a.py": REVISION },
    "alembic",
    "echo 'No module app' >&2; exit 1",
  );
  await expect(called(readSource(join(root, "migrations")), "alembic")).rejects.toThrow(
    /alembic upgrade heads --sql failed in .*:\nNo module app/,
  );
});

test("a folder without the tool's settings, and a machine without the tool, are refused by name", async () => {
  const root = project({ "migrations/a.py": REVISION, "manage.py": "" }, "nothing", "");
  await expect(called(readSource(join(root, "migrations")), "alembic")).rejects.toThrow(
    /--call needs alembic\.ini/,
  );
  vi.stubEnv("PYTHON", "no-such-python");
  await expect(called(readSource(join(root, "migrations")), "django")).rejects.toThrow(
    /--call needs the program no-such-python, which is not in PATH/,
  );
});

test("Django prints one file per migration, in its own order, for the folder's own migrations", async () => {
  const rows = (root: string) =>
    JSON.stringify([
      { app: "auth", name: "0001_initial", file: "/elsewhere/0001_initial.py", up: "SELECT 0;", down: null },
      {
        app: "shop",
        name: "0002_b",
        file: `${root}/migrations/0002_b.py`,
        up: "SELECT 1;",
        down: "SELECT 2;",
      },
      { app: "shop", name: "0001_a", file: `${root}/migrations/0001_a.py`, up: "SELECT 3;", down: null },
    ]);
  const root = project({ "manage.py": "" }, "python3", 'echo "SLUICE$ROWS"');
  vi.stubEnv("ROWS", rows(root));
  const { migrations } = READERS.django(await called(readSource(join(root, "migrations")), "django"));
  expect(migrations).toMatchObject([
    { version: "shop.0002_b", down: { text: "SELECT 2;" } },
    { version: "shop.0001_a", down: { none: expect.any(String) } },
  ]);
});
