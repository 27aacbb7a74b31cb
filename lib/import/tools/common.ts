import type { Finding, ImportedMigration, NoWayBack, Part } from "../imported.ts";
import { readText, type SourceFolder } from "../source.ts";
import { holdsSql } from "../sql-text.ts";

// What readers have in common: numbers in names, files that are one part, and files that cannot be read.

/** Digits in front of a file's name, as numbers of any length: 9 comes before 10. */
export function byNumber(a: string, b: string): number {
  const [left, right] = [BigInt(a), BigInt(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** `add_users` for `add-users`, `add users`. */
export function wordsOf(name: string): string {
  return name.replace(/[_-]+/g, " ").trim();
}

/** In letters that a folder's name may have. */
export function slugOf(name: string): string {
  const plain = name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return plain.slice(0, 50).replace(/_+$/, "") || "migration";
}

/** A file that is one part. */
export function whole(folder: SourceFolder, path: string, notes: Finding[]): Part {
  const text = readText(folder, path, notes);
  return { file: path, line: 1, text, runs: "message" };
}

/** A file that leads back, of which there may be none. @param none why there is none */
export function back(
  folder: SourceFolder,
  path: string | undefined,
  none: string,
  notes: Finding[],
): Part | NoWayBack {
  if (path === undefined) return { none };
  if (programOf(path) !== undefined) return { none: `${path} is a program` };
  const part = whole(folder, path, notes);
  return holdsSql(part.text) ? part : { none: "the file that leads back holds no SQL" };
}

/** Programs among migrations, and what prints their SQL. */
const PROGRAMS: Readonly<Record<string, string>> = {
  go: "goose runs it as Go, and nothing prints its SQL. Write what it does as SQL",
  java: "it is Java, and nothing prints its SQL. Write what it does as SQL",
  class: "it is Java, and nothing prints its SQL. Write what it does as SQL",
  kt: "it is Kotlin, and nothing prints its SQL. Write what it does as SQL",
  js: "it is JavaScript. node-pg-migrate prints what it does by `node-pg-migrate up --dry-run`; knex, Sequelize and TypeORM have no such command. Write what it does as SQL",
  ts: "it is TypeScript. node-pg-migrate prints what it does by `node-pg-migrate up --dry-run`; knex, Sequelize and TypeORM have no such command. Write what it does as SQL",
  py: "it is Python. Alembic prints its SQL by `alembic upgrade FROM:TO --sql`, Django by `python manage.py sqlmigrate APP NAME`; yoyo has no such command",
  rb: "it is Ruby, and `rails db:migrate` prints no SQL before it runs it. Write what it does as SQL",
  ex: "it is Elixir: `mix ecto.migrate --log-migrations-sql` prints its SQL while it runs it, on a copy",
  exs: "it is Elixir: `mix ecto.migrate --log-migrations-sql` prints its SQL while it runs it, on a copy",
  php: "it is PHP: Doctrine prints its SQL by `migrations:migrate --write-sql`, Laravel by `php artisan migrate --pretend`",
  cs: "it is C#: `dotnet ef migrations script` prints its SQL",
};

/** How to get the SQL of a migration that is a program; undefined: it is none. */
export function programOf(path: string): string | undefined {
  const ending = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  const language = { cjs: "js", mjs: "js", cts: "ts", mts: "ts" }[ending] ?? ending;
  return /\.d\.ts$/.test(path) ? undefined : PROGRAMS[language];
}

/** A migration whose SQL nobody can read. */
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

/** Two files of one version: each tool refuses that, or takes either. */
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
            says: `has the version ${migration.version}, and so has ${before.files[0]}: ${tool} takes no two. Rename one`,
          },
        ]
      : [];
  });
}

/** Files that the tool passes over without a word. */
export function passedOver(paths: readonly string[], tool: string, form: string): Finding[] {
  return paths.map((file) => ({
    file,
    says: `is not imported: ${tool} passes over it without a word, as its name is not ${form}`,
  }));
}
