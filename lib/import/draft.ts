import { NONE } from "../../lambdas/shared/tool-rows.ts";
import { fieldsOf, nodesWithin } from "../plan/statements.ts";
import { baselineOf } from "./baseline.ts";
import {
  type Finding,
  hasWayBack,
  type ImportedFolder,
  type ImportedMigration,
  type Row,
} from "./imported.ts";
import type { Split } from "./pending.ts";
import { replacePlaceholders } from "./placeholders.ts";
import { TOOL_NAMES } from "./readers.ts";
import { byCodeUnit } from "./source.ts";
import { nodesOf } from "./sql-text.ts";
import { stepsOf } from "./steps.ts";
import { slugOf } from "./tools/common.ts";
import { downWithin } from "./way-marks.ts";

/** Decisions about migrations that are in doubt: files, their names, or versions. */
export interface Decisions {
  take: readonly string[];
  skip: readonly string[];
  values: ReadonlyMap<string, string>;
}

export interface DraftMigration {
  /** The tool's own version. */
  version: string;
  title: string;
  /** In characters that a folder's name may have. */
  slug: string;
  sources: readonly string[];
  files: { migrate: string; rollback?: string; validate?: string };
  /** Why the restore is the only way back; absent if there is a rollback. */
  noWayBack?: string;
  row?: Row;
}

export interface Draft {
  /** Absent: the files belong to no tool, and no table holds their versions. */
  schema?: { tool: string; table?: string; expectedVersion: string };
  extensions: readonly string[];
  migrations: readonly DraftMigration[];
  /** Files that an embedded rehearsal starts from, in order. */
  baseline: readonly { name: string; text: string }[];
  /** The applied versions that the baseline includes. */
  appliedVersions: readonly string[];
  /** Shown, without holding anything up. */
  notes: readonly Finding[];
  /** Nothing is written until each is decided. */
  doubts: readonly Finding[];
  /** Left out by --skip. */
  skipped: readonly string[];
  /** Values of --take, --skip and --value that match nothing. */
  unknown: readonly string[];
}

/** Puts the pending migrations into the form of a plan. libpg-query must be loaded. */
export function draftOf(folder: ImportedFolder, split: Split, decisions: Decisions): Draft {
  const tool = TOOL_NAMES[folder.tool];
  const notes: Finding[] = [...folder.notes];
  const doubts: Finding[] = [...folder.refusals];
  const named = new Set<string>();
  const is = (list: readonly string[], one: ImportedMigration) => {
    const hits = list.filter(
      (given) =>
        [one.version, ...one.files, ...one.aliases].includes(given) ||
        one.files.some((file) => file.endsWith(`/${given}`)),
    );
    for (const hit of hits) named.add(hit);
    return hits.length > 0;
  };
  const known = folder.placeholders;
  const values = new Set<string>();
  /** Files with open placeholders, which are no SQL yet. */
  const unfilled = new Set<string>();
  const filled = (one: ImportedMigration): ImportedMigration => {
    if (!known) return counted(folder, one);
    const { migration, used, open } = replacePlaceholders(one, known, decisions.values);
    for (const name of used) values.add(name);
    for (const file of open) unfilled.add(file);
    return counted(folder, migration);
  };

  const skipped: string[] = [];
  const drafted: { migration: ImportedMigration; draft: DraftMigration }[] = [];
  for (const one of split.pending) {
    if (is(decisions.skip, one)) {
      const left = one.files[0] ?? one.version;
      skipped.push(left);
      if (folder.late !== undefined && one !== split.pending.at(-1))
        notes.push({
          file: left,
          says: `is left out, but a later one is not. Once that is applied, ${folder.late}`,
        });
      continue;
    }
    const file = one.files[0] ?? one.version;
    if (one.noSql !== undefined) {
      doubts.push({ file, says: `cannot be imported: ${one.noSql}. Otherwise leave it out: --skip ${file}` });
      continue;
    }
    const migration = filled(one);
    const take = is(decisions.take, one);
    const made = draftMigration(migration, tool);
    const late = split.late.filter((finding) => finding.file === file);
    const parsed = made.doubts.filter((finding) => !unfilled.has(finding.file));
    const marks = downWithin(migration.up, tool).filter(
      ({ line }) => !migration.doubts.some((known) => known.line === line),
    );
    const open = [...migration.doubts, ...marks, ...parsed, ...late];
    notes.push(
      ...made.notes,
      ...(take ? open.map((finding) => ({ ...finding, says: `${finding.says} (imported unchanged)` })) : []),
    );
    if (!take) doubts.push(...open);
    drafted.push({ migration, draft: made.draft });
  }
  const applied = split.applied.map(filled);
  const baseline = baselineOf(
    folder,
    applied,
    drafted.map(({ migration }) => migration),
    tool,
  );
  const given = [...decisions.take, ...decisions.skip].filter((one) => !named.has(one));
  const unused = [...decisions.values.keys()].filter((name) => !values.has(name));
  return {
    ...(folder.tool === "numbered"
      ? {}
      : { schema: { tool: folder.tool, expectedVersion: standingOf(folder, split) } }),
    extensions: baseline.extensions,
    migrations: drafted.map(({ draft }) => draft),
    baseline: baseline.files,
    appliedVersions: split.applied.map(({ version }) => version),
    notes: inOrder([...notes, ...baseline.notes]),
    doubts: inOrder(doubts),
    skipped,
    unknown: [
      ...given.map((one) => `${one} is no pending migration`),
      ...unused.map((name) => `--value ${name}=...: no file has that placeholder`),
    ],
  };
}

/** By file and line, the order in which people read them. */
function inOrder(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => byCodeUnit(a.file, b.file) || (a.line ?? 0) - (b.line ?? 0));
}

/** Django's version is the version of the apps that the plan concerns. */
function standingOf({ tool }: ImportedFolder, { applied, pending }: Split): string {
  const apps = new Set(pending.map(({ row }) => row?.app));
  const last = applied.findLast(({ row }) => tool !== "django" || apps.has(row?.app));
  return last?.standing ?? NONE;
}

/** Atlas records how many statements a file has. */
function counted({ tool }: ImportedFolder, one: ImportedMigration): ImportedMigration {
  return tool === "atlas" ? { ...one, row: { ...one.row, total: nodesOf(one.up.text).length } } : one;
}

function draftMigration(
  migration: ImportedMigration,
  tool: string,
): { draft: DraftMigration; notes: Finding[]; doubts: Finding[] } {
  const up = stepsOf(migration.up, "up", tool);
  const notes = [...up.notes];
  const doubts = [...up.doubts];
  const head = (file: string) => `-- Imported from ${file} (${tool}).\n`;
  const draft: DraftMigration = {
    version: migration.version,
    title: titleOf(migration),
    slug: slugOf(migration.name),
    sources: migration.files,
    files: { migrate: `${head(migration.up.file)}${up.text}` },
    ...(migration.row === undefined ? {} : { row: migration.row }),
  };
  const { verify } = migration;
  const down = leadsBack(migration.down);
  if (hasWayBack(down)) {
    const back = stepsOf(down, "down", tool);
    notes.push(...back.notes);
    if (back.refused) {
      // Half a way back is no way back.
      draft.noWayBack = `${down.file} is no valid SQL for PostgreSQL`;
      doubts.push(
        ...back.doubts.map((one) => ({
          ...one,
          says: `${one.says}. Imported unchanged, its way back is the restore (rollback: restore)`,
        })),
      );
    } else {
      doubts.push(...back.doubts);
      draft.files.rollback = `${head(down.file)}${back.text}`;
    }
  } else if (up.empty) {
    // A migration that does nothing has a rollback that does nothing.
    draft.files.rollback = `${head(migration.up.file)}SELECT 1;\n`;
  } else {
    draft.noWayBack = down.none;
    notes.push({
      file: migration.up.file,
      says: `has only the restore as its way back (rollback: restore): ${down.none}`,
    });
  }
  if (verify) {
    const check = stepsOf(verify, "verify", tool);
    doubts.push(...check.doubts);
    draft.files.validate = `${head(verify.file)}-- It raises an error if the migration did not work.\n-- sluice: check "${tool} verifies it"\n${check.each.join("\n")}\nSELECT true AS passed, 'no error' AS expected, 'no error' AS seen;\n`;
  }
  return { draft, notes, doubts };
}

/** The down part of some tools' templates only selects a text, which is no way back. */
function leadsBack(down: ImportedMigration["down"]): ImportedMigration["down"] {
  if (!hasWayBack(down)) return down;
  const nodes = nodesOf(down.text);
  const idle = nodes.every((node) => {
    const select = fieldsOf<{ fromClause?: unknown }>(node, "SelectStmt");
    return select !== undefined && !select.fromClause && nodesWithin(select, "FuncCall").next().done === true;
  });
  return idle && nodes.length > 0
    ? { none: `the down part of ${down.file} only selects a text, and undoes nothing` }
    : down;
}

function titleOf({ version, name }: ImportedMigration): string {
  const words = name.replace(/\s+/g, " ").trim() || version;
  const title =
    version === words || version.includes(words.replaceAll(" ", "_")) ? version : `${version}: ${words}`;
  return title.slice(0, 120);
}
