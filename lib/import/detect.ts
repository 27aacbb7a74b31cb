import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Tool } from "./imported.ts";
import { nameOf, type SourceFolder, textOf } from "./source.ts";

/** A tool that the folder may belong to, and the evidence for it. */
export interface Candidate {
  tool: Tool;
  because: string;
}

interface Sign {
  tool: Tool;
  /** What was seen, as part of a sentence: `FILE has the marks of dbmate`. */
  because: string;
  found: (seen: Seen) => string | undefined;
}

interface Seen {
  folder: SourceFolder;
  /** The first file whose text matches. */
  withText: (pattern: RegExp) => string | undefined;
  withName: (pattern: RegExp) => string | undefined;
}

// Each sign belongs to one tool alone, so signs of two tools are a doubt. Signs that tools share come below.
const SIGNS: readonly Sign[] = [
  {
    tool: "sqitch",
    because: "is a plan of Sqitch",
    found: ({ withName }) => withName(/(^|\/)sqitch\.plan$/),
  },
  {
    tool: "drizzle",
    because: "is a journal of drizzle-kit",
    found: ({ withName }) => withName(/^meta\/_journal\.json$/),
  },
  {
    tool: "prisma",
    because: "is a file of Prisma",
    found: ({ withName }) => withName(/^migration_lock\.toml$/) ?? withName(/^\d{14}_[^/]*\/migration\.sql$/),
  },
  {
    tool: "atlas",
    because: "is the checksum file of Atlas",
    found: ({ withName }) => withName(/^atlas\.sum$/),
  },
  {
    tool: "graphile-migrate",
    because: "has the header of graphile-migrate",
    found: ({ withText }) => withText(/^--! Previous:/m),
  },
  {
    tool: "liquibase",
    because: "is a changelog of Liquibase",
    found: ({ withText, folder }) =>
      withText(/^\s*--\s*liquibase\s+formatted\s+sql/i) ??
      folder.paths.find(
        (path) => /\.(xml|ya?ml|json)$/i.test(path) && /databaseChangeLog/.test(textOf(folder, path).text),
      ),
  },
  {
    tool: "dbmate",
    because: "has the marks of dbmate",
    found: ({ withText }) => withText(/^\s*--\s*migrate\s*:\s*up/im),
  },
  {
    tool: "goose",
    because: "has the annotations of goose",
    found: ({ withText }) => withText(/^\s*--\s*\+goose\b/im),
  },
  {
    tool: "tern",
    because: "has the separator of tern",
    found: ({ withText, withName }) =>
      withText(/^-{2,}\s*create above\s*\/\s*drop below/im) ?? withName(/^tern\.conf$/),
  },
  {
    tool: "node-pg-migrate",
    because: "has the marks of node-pg-migrate",
    found: ({ withText, withName }) =>
      withText(/^\s*--[\s-]*up\s+migration/im) ?? withName(/^\d{13}_.*\.(sql|[cm]?js|ts)$/),
  },
  {
    tool: "flyway",
    because: "is named as Flyway names migrations",
    found: ({ withName }) =>
      withName(/(^|\/)[VB]\d+([._]\d+)*__[^/]*\.(sql|java)$/) ?? withName(/(^|\/)R__[^/]*\.sql$/),
  },
  {
    tool: "postgrator",
    because: "is named as postgrator names migrations",
    found: ({ withName }) => withName(/^\d+\.(do|undo)\.([^/]*\.)?(sql|[cm]?js|ts)$/),
  },
  {
    tool: "yoyo",
    because: "is a file of yoyo",
    found: ({ withText, withName }) =>
      withText(/^--\s*depends\s*:/m) ?? withName(/^yoyo\.ini$/) ?? withName(/^[^/]*\.rollback\.sql$/),
  },
  {
    tool: "alembic",
    because: "is a file of Alembic",
    found: ({ withText, folder }) =>
      withText(/^--\s*Running\s+(upgrade|downgrade)\s/m) ??
      folder.paths.find((path) => /\.py$/.test(path) && /^down_revision\b/m.test(textOf(folder, path).text)),
  },
  {
    tool: "django",
    because: "is a file of Django",
    found: ({ withText, folder }) =>
      withText(
        /^--\n-- (?:Create model|Add field|Alter field|Remove field|Rename field|Rename model|Delete model|Create index|Add constraint|Create constraint|Raw SQL operation|Raw Python operation|Alter (?:unique_together|index_together|model options))/m,
      ) ??
      folder.paths.find(
        (path) =>
          /(^|\/)\d{4}_\w+\.py$/.test(path) &&
          /class\s+Migration\s*\(\s*(migrations\.)?Migration/.test(textOf(folder, path).text),
      ),
  },
];

/** Project files that name one of the tools with the same file names. */
const PROJECTS: readonly { tool: Tool; file: string; says: RegExp }[] = [
  { tool: "sqlx", file: "Cargo.toml", says: /^\s*sqlx(-cli)?\b|\[(?:workspace\.)?dependencies\.sqlx\]/m },
  { tool: "golang-migrate", file: "go.mod", says: /golang-migrate\/migrate/ },
];

/** All evidence for tools; empty if the folder belongs to no known tool. */
export function candidates(folder: SourceFolder): Candidate[] {
  const sql = folder.paths.filter((path) => /\.sql$/i.test(path));
  const seen: Seen = {
    folder,
    withText: (pattern) => sql.find((path) => pattern.test(textOf(folder, path).text)),
    withName: (pattern) => folder.paths.find((path) => pattern.test(path)),
  };
  const found = SIGNS.flatMap(({ tool, because, found: look }): Candidate[] => {
    const file = look(seen);
    return file === undefined ? [] : [{ tool, because: `${file} ${because}` }];
  });
  if (found.length > 0) return found;
  return pairs(folder, sql);
}

/** Numbered files with up and down in their names: of golang-migrate, of sqlx, or of no tool. */
function pairs(folder: SourceFolder, sql: readonly string[]): Candidate[] {
  const up = sql.find((path) => /^\d+_[^/]*\.(up|down)\.sql$/.test(path));
  if (up !== undefined) {
    const mark = sql.find((path) => textOf(folder, path).text.startsWith("-- no-transaction"));
    if (mark !== undefined)
      return [{ tool: "sqlx", because: `${mark} begins with -- no-transaction, sqlx's mark` }];
    const [project] = projectsAround(folder.root);
    if (project) return [project];
    return [
      { tool: "golang-migrate", because: `${up} is named as golang-migrate names migrations` },
      { tool: "sqlx", because: `${up} is named as sqlx names migrations` },
      { tool: "numbered", because: `${up} is numbered, and may belong to no tool` },
    ];
  }
  const [project] = projectsAround(folder.root).filter(({ tool }) => tool === "sqlx");
  if (project && sql.some((path) => /^\d+_[^/]*\.sql$/.test(path))) return [project];
  const numbered = sql.find((path) => /(^|\/)[Vv]?\d+([._\s-][^/]*)?(\/(up|down)\.sql|\.sql)$/i.test(path));
  return numbered === undefined
    ? []
    : [{ tool: "numbered", because: `${numbered} is numbered, and nothing in the folder belongs to a tool` }];
}

/** Looks for the tool's name in the project files of the folder, and of the four folders above it. */
function projectsAround(root: string): Candidate[] {
  const found: Candidate[] = [];
  let at = resolve(root);
  for (let up = 0; up < 5; up++) {
    for (const { tool, file, says } of PROJECTS) {
      const path = join(at, file);
      if (existsSync(path) && says.test(readFileSync(path, "utf8")))
        found.push({ tool, because: `${file} in ${at} names it` });
    }
    if (found.length > 0 || existsSync(join(at, ".git")) || dirname(at) === at) break;
    at = dirname(at);
  }
  return found;
}

/** Tools whose migrations are programs, recognized by the files' text. */
const PROGRAMS: readonly { name: RegExp; text: RegExp; says: string }[] = [
  {
    name: /\.rb$/,
    text: /ActiveRecord::Migration/,
    says: "migrations of Rails, in Ruby. Rails prints no SQL before it runs it. Write the pending ones as SQL",
  },
  {
    name: /\.[cm]?[jt]s$/,
    text: /\bknex\b|exports\.(up|down)\s*=|export\s+(async\s+)?function\s+(up|down)/,
    says: "migrations of knex, Kysely or node-pg-migrate, in JavaScript. node-pg-migrate prints SQL with `node-pg-migrate up --dry-run`. knex and Kysely have no such command: write the pending ones as SQL",
  },
  {
    name: /\.[cm]?[jt]s$/,
    text: /implements\s+MigrationInterface|queryInterface|MigrationInterface/,
    says: "migrations of TypeORM or Sequelize, in JavaScript. Neither prints SQL before it runs it. Write the pending ones as SQL",
  },
  {
    name: /\.exs?$/,
    text: /use\s+Ecto\.Migration/,
    says: "migrations of Ecto, in Elixir. `mix ecto.migrate --log-migrations-sql` prints SQL while it runs it, on a copy",
  },
  {
    name: /\.php$/,
    text: /AbstractMigration|Illuminate\\Database\\Migrations/,
    says: "migrations in PHP. Doctrine prints SQL with `migrations:migrate --write-sql`, Laravel with `php artisan migrate --pretend`",
  },
  {
    name: /\.cs$/,
    text: /MigrationBuilder/,
    says: "migrations of Entity Framework, in C#. `dotnet ef migrations script` prints their SQL",
  },
  {
    name: /\.py$/,
    text: /\byoyo\b|\bstep\(/,
    says: "migrations of yoyo, in Python, which prints no SQL. Write the pending ones as SQL",
  },
  {
    name: /\.java$/,
    text: /BaseJavaMigration|JavaMigration/,
    says: "Flyway's migrations in Java. Write the pending ones as SQL",
  },
];

/** What a folder without SQL migrations contains; undefined if nothing shows it. */
export function programsIn(folder: SourceFolder): string | undefined {
  for (const { name, text, says } of PROGRAMS) {
    const path = folder.paths.find((one) => name.test(nameOf(one)) && text.test(textOf(folder, one).text));
    if (path !== undefined) return `${path} and others are ${says}.`;
  }
  return undefined;
}
