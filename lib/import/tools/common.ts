import type { Finding, ImportedMigration, NoWayBack, Part } from "../imported.ts";
import { readText, type SourceFolder } from "../source.ts";
import { holdsSql } from "../sql-text.ts";

// Shared by the readers: numbers in names, files that are one part, and files that cannot be read.

/** Compares the digits that begin two names as numbers of any length: 9 comes before 10. */
export function byNumber(a: string, b: string): number {
  const [left, right] = [BigInt(a), BigInt(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Returns `add_users` for `add-users` and `add users`. */
export function wordsOf(name: string): string {
  return name.replace(/[_-]+/g, " ").trim();
}

/** In characters that a folder's name may have. */
export function slugOf(name: string): string {
  const plain = name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return plain.slice(0, 50).replace(/_+$/, "") || "migration";
}

/** A file as one part. */
export function whole(folder: SourceFolder, path: string, notes: Finding[]): Part {
  const text = readText(folder, path, notes);
  return { file: path, line: 1, text, runs: "message" };
}

/** The file of a way back, which may be missing. @param none the reason given if it is */
export function back(
  folder: SourceFolder,
  path: string | undefined,
  none: string,
  notes: Finding[],
): Part | NoWayBack {
  if (path === undefined) return { none };
  if (programOf(path) !== undefined) return { none: `${path} is a program` };
  const part = whole(folder, path, notes);
  return holdsSql(part.text) ? part : { none: "the file of the way back has no SQL" };
}

/** Programs among migrations, by the ending of their files, and what prints their SQL. */
const PROGRAMS: Readonly<Record<string, string>> = {
  go: "goose runs it as Go, and nothing prints its SQL. Write what it does as SQL",
  java: "it is Java, and nothing prints its SQL. Write what it does as SQL",
  class: "it is Java, and nothing prints its SQL. Write what it does as SQL",
  kt: "it is Kotlin, and nothing prints its SQL. Write what it does as SQL",
  js: "it is JavaScript. node-pg-migrate prints its SQL with `node-pg-migrate up --dry-run`; knex, Sequelize and TypeORM have no such command. Write what it does as SQL",
  ts: "it is TypeScript. node-pg-migrate prints its SQL with `node-pg-migrate up --dry-run`; knex, Sequelize and TypeORM have no such command. Write what it does as SQL",
  py: "it is Python. Alembic prints its SQL with `alembic upgrade FROM:TO --sql`, Django with `python manage.py sqlmigrate APP NAME`; yoyo has no such command",
  rb: "it is Ruby, and `rails db:migrate` prints no SQL before it runs it. Write what it does as SQL",
  ex: "it is Elixir: `mix ecto.migrate --log-migrations-sql` prints its SQL while it runs it, on a copy",
  exs: "it is Elixir: `mix ecto.migrate --log-migrations-sql` prints its SQL while it runs it, on a copy",
  php: "it is PHP: Doctrine prints its SQL with `migrations:migrate --write-sql`, Laravel with `php artisan migrate --pretend`",
  cs: "it is C#: `dotnet ef migrations script` prints its SQL",
};

/** How to get the SQL of a migration that is a program; undefined if it is not a program. */
export function programOf(path: string): string | undefined {
  const ending = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  const language = { cjs: "js", mjs: "js", cts: "ts", mts: "ts" }[ending] ?? ending;
  return /\.d\.ts$/.test(path) ? undefined : PROGRAMS[language];
}

/** A migration without readable SQL. */
export function program(
  file: string,
  says: string,
  known: Pick<ImportedMigration, "version" | "name" | "standing"> & Partial<ImportedMigration>,
): ImportedMigration {
  return {
    aliases: [file],
    files: [file],
    up: { file, line: 1, text: "", runs: "transaction" },
    down: { none: "it is a program" },
    doubts: [],
    noSql: says,
    ...known,
  };
}

/** Two files with one version: each tool refuses that, or picks either. */
export function twice(migrations: readonly ImportedMigration[], tool: string): Finding[] {
  const known = new Map<string, ImportedMigration>();
  return migrations.flatMap((migration) => {
    const before = known.get(migration.version);
    known.set(migration.version, migration);
    const file = migration.files[0] ?? "";
    return before
      ? [
          {
            file,
            says: `has the version ${migration.version}, and so has ${before.files[0]}: ${tool} refuses two. Rename one`,
          },
        ]
      : [];
  });
}

/** Files that the tool ignores silently. */
export function passedOver(paths: readonly string[], tool: string, form: string): Finding[] {
  return paths.map((file) => ({
    file,
    says: `is not imported: ${tool} ignores it silently, as its name is not ${form}`,
  }));
}
