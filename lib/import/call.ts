import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { ImportError, type SourceFolder, sourceOf } from "./source.ts";

// Alembic and Django keep their migrations in Python, and can print their SQL. With --call an import has them print it.
// This runs the project's own code, so it happens only on request.

const execute = promisify(execFile);
const OUTPUT = { maxBuffer: 256 * 1024 * 1024 };

/** Returns the folder with the files that the tool printed. @throws ImportError with the tool's error */
export async function called(source: SourceFolder, tool: "alembic" | "django"): Promise<SourceFolder> {
  const printed = tool === "alembic" ? await alembic(source.root) : await django(source);
  return sourceOf(source.root, [
    ...source.paths.map((path) => [path, () => source.bytes(path)] as const),
    ...Object.entries(printed).map(([path, text]) => [path, () => Buffer.from(text)] as const),
  ]);
}

async function alembic(root: string): Promise<Record<string, string>> {
  const folder = above(root, "alembic.ini");
  const run = (...args: string[]) => running("alembic", ["-c", "alembic.ini", ...args, "--sql"], folder);
  const up = await run("upgrade", "heads");
  // One revision without a downgrade makes all of them fail. Then the way back is the restore.
  const down = await run("downgrade", "heads:base").catch(() => "");
  return { "alembic-upgrade.sql": up, ...(down === "" ? {} : { "alembic-downgrade.sql": down }) };
}

/** Prints in Django's own order, with and without --backwards; null means that it cannot go back. */
const PRINT = `
import io, json
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader
loader = MigrationLoader(None, ignore_no_migrations=True)
plan = []
for target in loader.graph.leaf_nodes():
    for key in loader.graph.forwards_plan(target):
        if key not in plan:
            plan.append(key)
def printed(app, name, **options):
    out = io.StringIO()
    try:
        call_command("sqlmigrate", app, name, stdout=out, no_color=True, **options)
    except Exception as error:
        if options:
            return None
        raise
    return out.getvalue()
import inspect
rows = [{"app": app, "name": name, "file": inspect.getfile(type(loader.graph.nodes[(app, name)])),
         "up": printed(app, name), "down": printed(app, name, backwards=True)} for app, name in plan]
print("SLUICE" + json.dumps(rows))
`;

const rows = z.array(
  z.object({
    app: z.string(),
    name: z.string(),
    file: z.string(),
    up: z.string(),
    down: z.string().nullable(),
  }),
);

async function django(source: SourceFolder): Promise<Record<string, string>> {
  const folder = above(source.root, "manage.py");
  const python = process.env.PYTHON ?? (process.platform === "win32" ? "python" : "python3");
  const out = await running(python, ["manage.py", "shell", "-v", "0", "-c", PRINT], folder);
  const line = out.split("\n").find((one) => one.startsWith("SLUICE")) ?? "SLUICE[]";
  const all = rows.parse(JSON.parse(line.slice("SLUICE".length)));
  // For the whole project: all migrations, including those of installed apps. For a folder: its own.
  const whole = resolve(folder) === resolve(source.root);
  const wanted = all.filter(({ file }) => whole || !relative(resolve(source.root), file).startsWith(".."));
  const width = String(wanted.length).length;
  return Object.fromEntries(
    wanted.flatMap(({ app, name, up, down }, index) => {
      const path = `${String(index + 1).padStart(width, "0")}.${app}.${name}`;
      return [
        [`${path}.sql`, up] as const,
        ...(down === null ? [] : [[`${path}.backwards.sql`, down] as const]),
      ];
    }),
  );
}

function above(root: string, file: string): string {
  let at = resolve(root);
  for (let up = 0; up < 4; up++) {
    if (existsSync(join(at, file))) return at;
    at = dirname(at);
  }
  throw new ImportError(
    `--call needs ${file}, which is neither in ${root} nor in the three folders above it.`,
  );
}

async function running(program: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    return (await execute(program, args, { cwd, ...OUTPUT })).stdout;
  } catch (error) {
    const { code, stderr = "" } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === "ENOENT")
      throw new ImportError(
        `--call needs the program ${program}, which is not in PATH. Activate the project's environment first.`,
      );
    throw new ImportError(
      `${program} ${args[0] === "-c" ? args.slice(2).join(" ") : args.slice(0, 2).join(" ")} failed in ${cwd}:\n${stderr.trim().split("\n").slice(-5).join("\n")}`,
    );
  }
}
