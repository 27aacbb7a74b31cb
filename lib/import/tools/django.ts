import type { Finding, ImportedFolder, ImportedMigration } from "../imported.ts";
import { byCodeUnit, nameOf, readText, type SourceFolder, textOf } from "../source.ts";
import { holdsSql, lineAt } from "../sql-text.ts";
import { program, wordsOf } from "./common.ts";

/** `sqlmigrate` prints this for an operation in Python, which the database would never see. */
const LOST = /^--\s*(?:THIS OPERATION CANNOT BE WRITTEN AS SQL|Raw Python operation)/m;
const NAME = /^(?:\d+[._-])?(?:([A-Za-z_]\w*)[./])?(\d{4}_\w+)(\.(?:backwards|reverse|down|rollback))?\.sql$/;

/** Django: the output of `manage.py sqlmigrate`, a file for each migration, and the names of migrations in Python. */
export function readDjango(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const refusals: Finding[] = [];
  const ups: { path: string; app: string; name: string }[] = [];
  const downs = new Map<string, string>();
  const python: ImportedMigration[] = [];
  for (const path of folder.paths) {
    const program = pythonIn(folder, path);
    if (program) python.push(program);
    const parent = path.split("/").at(-2);
    const [, named, name, way] = NAME.exec(nameOf(path)) ?? [];
    if (name === undefined) {
      if (/\.sql$/i.test(path))
        notes.push({
          file: path,
          says: "is not imported: its name is not APP.NAME.sql, such as shop.0002_orders.sql",
        });
      continue;
    }
    const app = named ?? appOf(parent) ?? appOf(folder.root.split("/").at(-1)) ?? "";
    if (app === "" && way === undefined)
      refusals.push({
        file: path,
        says: `does not name its app, by which Django identifies migrations. Name it APP.${name}.sql`,
      });
    if (way === undefined) ups.push({ path, app, name });
    else downs.set(`${app}.${name}`, path);
  }
  ups.sort((a, b) => byCodeUnit(a.path, b.path));
  const numbered = ups.every(({ path }) => /^\d+[._-][A-Za-z_]/.test(nameOf(path)));
  const apps = new Set(ups.map(({ app }) => app));
  if (apps.size > 1 && !numbered)
    refusals.push({
      file: ups[0]?.path ?? "",
      says: `and others belong to several apps (${[...apps].sort(byCodeUnit).join(", ")}), and their names do not show the order. Number them as \`manage.py showmigrations --plan\` lists them: 01.APP.NAME.sql`,
    });
  const migrations = ups.map(({ path, app, name }): ImportedMigration => {
    const id = `${app}.${name}`;
    const text = readText(folder, path, notes);
    const back = downs.get(id);
    const lost = LOST.exec(text);
    const doubts: Finding[] = lost
      ? [
          {
            file: path,
            line: lineAt(text, lost.index),
            says: "has an operation in Python (RunPython), for which sqlmigrate prints only a comment: its work would be lost silently. Write it as SQL, and remove the comment",
          },
        ]
      : [];
    if (back !== undefined)
      notes.push({
        file: back,
        says: "may do less than Django does backwards: constraints whose names Django looks up in the database are left out. The rehearsal shows what is missing",
      });
    const downText = back === undefined ? "" : textOf(folder, back).text;
    return {
      version: id,
      aliases: [name, `${app}/${name}`, path],
      name: wordsOf(name.replace(/^\d+_/, "")),
      files: back === undefined ? [path] : [path, back],
      up: { file: path, line: 1, text, runs: "statements" },
      down:
        back !== undefined && holdsSql(downText)
          ? { file: back, line: 1, text: downText, runs: "statements" }
          : {
              none: back
                ? `${back} has no SQL`
                : `there is no ${id}.backwards.sql: python manage.py sqlmigrate ${app} ${name} --backwards > ${id}.backwards.sql`,
            },
      row: { app, name },
      standing: id,
      doubts,
    };
  });
  const printed = new Set(migrations.map(({ version }) => version));
  migrations.push(...python.filter(({ version }) => !printed.has(version)));
  return { tool: "django", migrations, notes, refusals };
}

/** The app's folder is the one above its migrations. */
function appOf(folder: string | undefined): string | undefined {
  return folder !== undefined && /^[A-Za-z_]\w*$/.test(folder) && folder !== "migrations" && folder !== "sql"
    ? folder
    : undefined;
}

function pythonIn(folder: SourceFolder, path: string): ImportedMigration | undefined {
  const [, above, name] = /^(?:(.*)\/)?(\d{4}_\w+)\.py$/.exec(path) ?? [];
  if (name === undefined) return undefined;
  const { text } = textOf(folder, path);
  if (!/^\s*class\s+Migration\s*\(\s*(?:migrations\.)?Migration\s*\)/m.test(text)) return undefined;
  const segments = [...folder.root.split("/"), ...(above ?? "").split("/")].filter((one) => one !== "");
  const app = (segments.at(-1) === "migrations" ? segments.at(-2) : segments.at(-1)) ?? "app";
  const python = /RunPython/.test(text)
    ? ". It has an operation in Python (RunPython), which the output leaves out: write it as SQL"
    : "";
  return program(
    path,
    `it is Python. Have the import call Django (--call), or print its SQL into a folder and import that: python manage.py sqlmigrate ${app} ${name} > ${app}.${name}.sql, and with --backwards > ${app}.${name}.backwards.sql${python}`,
    {
      version: `${app}.${name}`,
      aliases: [name, path],
      name: wordsOf(name.replace(/^\d+_/, "")),
      row: { app, name },
      standing: `${app}.${name}`,
    },
  );
}
