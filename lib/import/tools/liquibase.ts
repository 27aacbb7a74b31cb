import { resolve } from "node:path";
import { parse } from "yaml";
import { portable } from "../../portable.ts";
import type { Finding, ImportedFolder, ImportedMigration, NoWayBack, Part } from "../imported.ts";
import { byCodeUnit, nameOf, readText, type SourceFolder, textOf } from "../source.ts";
import { holdsSql } from "../sql-text.ts";
import { program, whole, wordsOf } from "./common.ts";

const HEAD = /^\s*--\s*liquibase\s+formatted\s+sql/i;
const CHANGESET = /^\s*--\s*changeset\s+("[^"]*"|[^\s:]+):("[^"]*"|\S+)\s*(.*)$/i;
const LOG = /\.(xml|ya?ml|json)$/i;

/** Entries of a changelog, in order. */
type Listed = { sql: string } | { includeAll: string } | { changelog: string } | { changeSet: string };

/** Liquibase: changesets in formatted SQL, in the order of the changelog that lists their files. */
export function readLiquibase(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const refusals: Finding[] = [];
  const formatted = folder.paths.filter(
    (path) => /\.sql$/i.test(path) && HEAD.test(firstLine(textOf(folder, path).text)),
  );
  const listed = listedBy(folder, notes, refusals);
  const migrations: ImportedMigration[] = [];
  if (!listed && formatted.length > 1)
    notes.push({
      file: formatted[0] ?? "",
      says: `and ${formatted.length - 1} more are in the order of their names, as with includeAll, because no changelog in the folder lists them`,
    });
  for (const one of listed ?? formatted.map((path) => ({ path, as: path }))) {
    if ("changeSet" in one) {
      migrations.push(
        program(
          one.file,
          "its changeset is not SQL. `liquibase update-sql` prints it as SQL, and `liquibase rollback-count-sql` prints the way back",
          { version: one.changeSet, name: one.changeSet, standing: one.changeSet, aliases: [] },
        ),
      );
      continue;
    }
    if (formatted.includes(one.path)) migrations.push(...changesetsOf(folder, one.path, one.as, notes));
    else migrations.push(plainSql(folder, one.path, one.as, notes));
  }
  if (listed)
    for (const path of formatted)
      if (!listed.some((one) => "path" in one && one.path === path))
        notes.push({ file: path, says: "is not imported: no changelog lists it" });
  if (migrations.length > 0)
    notes.push({
      file: migrations[0]?.files[0] ?? "",
      says: `is known to Liquibase by its path: the plan writes ${migrations[0]?.standing.split("::")[0]}. Where your databasechangelog has another, import from the folder in which Liquibase is called, or change the rows`,
    });
  return { tool: "liquibase", migrations: apart(migrations), notes, refusals };
}

/** Liquibase runs a listed file without a header as one changeset, with an author and an id of its own making. */
function plainSql(folder: SourceFolder, path: string, as: string, notes: Finding[]): ImportedMigration {
  const [author, id] = ["includeAll", "raw"];
  const key = `${as}::${id}::${author}`;
  notes.push({ file: path, says: `is plain SQL: Liquibase runs it as one changeset, ${author}:${id}` });
  return {
    version: `${author}:${id}`,
    aliases: [path, key],
    name: wordsOf(nameOf(path).replace(/\.sql$/i, "")),
    files: [path],
    up: { ...whole(folder, path, notes), runs: "transaction" },
    down: { none: "plain SQL has no --rollback" },
    row: { id, author, filename: as },
    standing: key,
    doubts: [],
  };
}

/** Author and id are unique only within their file. */
function apart(migrations: readonly ImportedMigration[]): ImportedMigration[] {
  const count = new Map<string, number>();
  for (const { version } of migrations) count.set(version, (count.get(version) ?? 0) + 1);
  return migrations.map((one) =>
    count.get(one.version) === 1
      ? one
      : { ...one, version: one.standing, aliases: [...one.aliases, one.version] },
  );
}

type FoundFile = { path: string; as: string } | { changeSet: string; file: string };

function listedBy(folder: SourceFolder, notes: Finding[], refusals: Finding[]): FoundFile[] | undefined {
  const logs = new Map(
    folder.paths.flatMap((path) => {
      if (!LOG.test(path)) return [];
      const list = listOf(folder, path);
      return list ? [[path, list] as const] : [];
    }),
  );
  if (logs.size === 0) return undefined;
  const find = (given: string, from: string): string | undefined => {
    const beside = joined(from, given);
    const plain = joined("", given.replace(/^classpath:\/?/, ""));
    return (
      folder.paths.find((path) => path === beside || path === plain) ??
      folder.paths.find((path) => plain.endsWith(`/${path}`))
    );
  };
  const included = new Set(
    [...logs].flatMap(([from, list]) =>
      list.flatMap((one) => ("changelog" in one ? (find(one.changelog, from) ?? []) : [])),
    ),
  );
  const roots = [...logs.keys()].filter((path) => !included.has(path));
  const [root, ...more] = roots;
  if (root === undefined || more.length > 0) {
    refusals.push({
      file: root ?? [...logs.keys()][0] ?? "",
      says: `is one of ${roots.length} changelogs that do not include each other: ${roots.join(", ")}. Give a folder with one of them and the files that it includes`,
    });
    return [];
  }
  const found: FoundFile[] = [];
  const walk = (from: string, on: readonly string[]) => {
    for (const one of logs.get(from) ?? []) {
      if ("changeSet" in one) found.push({ changeSet: one.changeSet, file: from });
      else if ("includeAll" in one) {
        const dir = one.includeAll.replace(/^\.?\/|\/$/g, "");
        const beside = joined(from, `${dir}/x`).slice(0, -1);
        const above = `${portable(resolve(folder.root))}/`;
        const all = folder.paths.filter(
          (path) => path.startsWith(beside) || `${above}${path}`.includes(`/${dir}/`),
        );
        if (all.length === 0)
          refusals.push({ file: from, says: `lists ${one.includeAll}, which is not in the folder` });
        for (const path of all.sort(byCodeUnit))
          if (/\.sql$/i.test(path)) found.push({ path, as: path });
          else if (logs.has(path) && !on.includes(path)) walk(path, [...on, path]);
      } else {
        const given = "sql" in one ? one.sql : one.changelog;
        const path = find(given, from);
        if (path === undefined)
          refusals.push({ file: from, says: `lists ${given}, which is not in the folder` });
        else if (on.includes(path)) refusals.push({ file: from, says: `includes itself through ${path}` });
        else if ("sql" in one)
          found.push({ path, as: joined("", given) === path ? path : given.replace(/^\.\//, "") });
        else walk(path, [...on, path]);
      }
    }
  };
  notes.push({ file: root, says: "is taken as the changelog that lists the rest" });
  walk(root, [root]);
  return found;
}

/** Entries of a changelog in XML, YAML or JSON; undefined if it is no changelog. */
function listOf(folder: SourceFolder, path: string): Listed[] | undefined {
  const { text } = textOf(folder, path);
  if (!/databaseChangeLog/.test(text)) return undefined;
  if (/\.xml$/i.test(path)) {
    const attribute = (tag: string, name: string) =>
      new RegExp(`\\b${name}\\s*=\\s*"([^"]*)"`).exec(tag)?.[1];
    return [
      ...text.replace(/<!--[\s\S]*?-->/g, "").matchAll(/<(include|includeAll|changeSet)\b([^>]*)>/g),
    ].map(
      ([, tag, rest = ""]): Listed =>
        tag === "changeSet"
          ? { changeSet: `${attribute(rest, "author")}:${attribute(rest, "id")}` }
          : tag === "includeAll"
            ? { includeAll: attribute(rest, "path") ?? "" }
            : toFile(attribute(rest, "file") ?? ""),
    );
  }
  const document: unknown = parse(text);
  const entries = fields(document)?.databaseChangeLog;
  if (!Array.isArray(entries)) return undefined;
  return entries.flatMap((entry: unknown): Listed[] => {
    const { include, includeAll, changeSet } = fields(entry) ?? {};
    if (include) return [toFile(String(fields(include)?.file ?? ""))];
    if (includeAll) return [{ includeAll: String(fields(includeAll)?.path ?? "") }];
    return changeSet ? [{ changeSet: `${fields(changeSet)?.author}:${fields(changeSet)?.id}` }] : [];
  });
}

function toFile(file: string): Listed {
  return LOG.test(file) ? { changelog: file } : { sql: file };
}

function fields(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
}

/** A path relative to a file, without `.` and `..`. */
function joined(from: string, path: string): string {
  const segments = from.split("/").slice(0, -1);
  for (const segment of path.split("/"))
    if (segment === "..") segments.pop();
    else if (segment !== "." && segment !== "") segments.push(segment);
  return segments.join("/");
}

function firstLine(text: string): string {
  return text.split("\n").find((line) => line.trim() !== "") ?? "";
}

interface Changeset {
  author: string;
  id: string;
  attributes: ReadonlyMap<string, string>;
  line: number;
  lines: string[];
  rollback: string[];
}

function changesetsOf(folder: SourceFolder, path: string, as: string, notes: Finding[]): ImportedMigration[] {
  const text = readText(folder, path, notes);
  const found: Changeset[] = [];
  const properties = new Map<string, string>();
  const doubts = new Map<Changeset, Finding[]>();
  let now: Changeset | undefined;
  let block: "rollback" | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const at = { file: path, line: index + 1 };
    const doubt = (says: string) => now && doubts.set(now, [...(doubts.get(now) ?? []), { ...at, says }]);
    if (block) {
      if (/\*\//.test(line)) block = undefined;
      now?.rollback.push(line.replace(/\*\/.*$/, ""));
      now?.lines.push("");
      continue;
    }
    const [, author, id, rest = ""] = CHANGESET.exec(line) ?? [];
    if (author !== undefined && id !== undefined) {
      now = {
        author: bare(author),
        id: bare(id),
        attributes: attributesOf(rest),
        line: index + 1,
        lines: [],
        rollback: [],
      };
      found.push(now);
      continue;
    }
    if (/^\s*-{1,2}\s*changeset\b/i.test(line)) {
      notes.push({ ...at, says: `is no changeset for Liquibase: ${line.trim()}` });
      continue;
    }
    const [, name, value] = /^\s*--\s*property\s+name:(\S+)\s+value:(\S+)/i.exec(line) ?? [];
    if (name !== undefined && value !== undefined) properties.set(name, value);
    const [, back] = /^\s*--\s*rollback\b\s?(.*)$/i.exec(line) ?? [];
    if (back !== undefined) {
      now?.rollback.push(back);
      now?.lines.push("");
      continue;
    }
    if (/^\s*\/\*\s*liquibase\s+rollback/i.test(line)) {
      block = "rollback";
      now?.lines.push("");
      continue;
    }
    if (/^\s*--\s*preconditions?\b/i.test(line) && now)
      doubt(
        `makes the changeset depend on the database's contents (${line.trim()}), which the plan does not check`,
      );
    if (/^\s*(go|\/)\s*$/i.test(line)) {
      now?.lines.push("");
      notes.push({ ...at, says: `is a delimiter of Liquibase, which the plan leaves out: ${line.trim()}` });
      if (now && !/;\s*$/.test(now.lines.join("\n").trimEnd())) now.lines.push(";");
      continue;
    }
    now?.lines.push(line);
  }
  return found.flatMap((changeset) => {
    const dbms = changeset.attributes.get("dbms");
    if (dbms !== undefined && !forPostgres(dbms)) {
      notes.push({ file: path, line: changeset.line, says: `is only for ${dbms}, and is not imported` });
      return [];
    }
    return [migrationOf(path, as, changeset, properties, doubts.get(changeset) ?? [], notes)];
  });
}

function migrationOf(
  path: string,
  as: string,
  { author, id, attributes, line, lines, rollback }: Changeset,
  properties: ReadonlyMap<string, string>,
  doubts: Finding[],
  notes: Finding[],
): ImportedMigration {
  const say = (says: string) => notes.push({ file: path, line, says });
  for (const name of ["context", "contextFilter", "labels"])
    if (attributes.has(name))
      say(`has ${name} ${attributes.get(name)}, which the plan ignores: it is imported`);
  for (const name of ["runOnChange", "runAlways"])
    if (attributes.get(name)?.toLowerCase() === "true")
      say(`has ${name}: Liquibase runs it repeatedly. The plan runs it once`);
  if (attributes.get("failOnError")?.toLowerCase() === "false")
    doubts.push({
      file: path,
      line,
      says: "has failOnError:false: Liquibase continues if it fails, and the plan does not",
    });
  const delimiter = attributes.get("endDelimiter");
  const whole = attributes.get("splitStatements")?.toLowerCase() === "false" || delimiter !== undefined;
  if (!whole && cutsBody(lines.join("\n")))
    say(
      "has a body with semicolons. Liquibase splits it there and fails, unless splitStatements:false is set. The plan keeps the body whole",
    );
  const put = (text: string) =>
    [...properties].reduce((now, [name, value]) => now.replaceAll(`\${${name}}`, value), text);
  const sql = (text: string) => put(delimiter === undefined ? text : withSemicolons(text, delimiter));
  const runs = attributes.get("runInTransaction")?.toLowerCase() === "false" ? "statements" : "transaction";
  const key = `${as}::${id}::${author}`;
  return {
    version: `${author}:${id}`,
    aliases: [id, key],
    name: wordsOf(id.replace(/^\d+[-_.]?(?=[A-Za-z])/, "")),
    files: [path],
    up: { file: path, line: line + 1, text: sql(lines.join("\n")), runs },
    down: wayBack(path, line, rollback.map(sql), runs),
    row: { id, author, filename: as },
    standing: key,
    doubts,
  };
}

function wayBack(
  file: string,
  line: number,
  rollback: readonly string[],
  runs: Part["runs"],
): Part | NoWayBack {
  const text = rollback.join("\n");
  if (rollback.length === 0) return { none: `the changeset at ${file}:${line} has no --rollback` };
  if (/^\s*(empty|not required)\s*;?\s*$/i.test(text))
    return {
      none: `the changeset at ${file}:${line} has --rollback ${text.trim()}, with which Liquibase changes nothing`,
    };
  if (/^\s*changeset(id|author|path)\s*:/i.test(text))
    return { none: `the changeset at ${file}:${line} rolls back by another changeset: ${text.trim()}` };
  return holdsSql(text) ? { file, line, text, runs } : { none: `the --rollback at ${file}:${line} is empty` };
}

/** Whether Liquibase's splitting breaks the body: simple statements survive it, blocks do not. */
function cutsBody(text: string): boolean {
  const bodies = text.match(/\$(\w*)\$[\s\S]*?\$\1\$/g) ?? [];
  return bodies.some((body) => /\b(declare|if|loop)\b/i.test(body) && body.includes(";"));
}

/** Liquibase reads a delimiter as a regular expression; people use plain text. */
function withSemicolons(text: string, delimiter: string): string {
  const plain = delimiter.replace(/\\([^\w])/g, "$1").replace(/\\n/g, "");
  return text
    .split("\n")
    .map((line) => (line.trimEnd().endsWith(plain) ? `${line.trimEnd().slice(0, -plain.length)};` : line))
    .join("\n");
}

function bare(text: string): string {
  return text.replace(/^"(.*)"$/, "$1");
}

function attributesOf(text: string): Map<string, string> {
  const found = [...text.matchAll(/([A-Za-z]+)\s*:\s*("[^"]*"|\S+)/g)];
  return new Map(found.map(([, name, value]) => [String(name), bare(String(value))]));
}

function forPostgres(dbms: string): boolean {
  const names = dbms.toLowerCase().split(/\s*,\s*/);
  const against = names.filter((name) => name.startsWith("!")).map((name) => name.slice(1));
  if (against.length === names.length) return !against.includes("postgresql");
  return names.some((name) => name === "postgresql" || name === "all");
}
