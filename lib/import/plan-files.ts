import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isMap, isSeq, parseDocument, stringify } from "yaml";
import { z } from "zod";
import { AS_TEXT } from "../../lambdas/shared/version.ts";
import { versionOf } from "../plan/folder-name.ts";
import type { Draft, DraftMigration } from "./draft.ts";
import { ImportError, type SourceFolder } from "./source.ts";

// Writes a draft as the files of a plan. A record keeps the hash of each written file, so that a later import
// recognizes files that people changed: it keeps them, and replaces its own.

export const RECORD = "import.json";

const hash = z.string().length(64);
const record = z.strictObject({
  note: z.string(),
  tool: z.string(),
  from: z.string(),
  migrations: z.array(
    z.strictObject({
      version: z.string(),
      folder: z.string(),
      /** SHA-256 of each file that it was made from. */
      sources: z.record(z.string(), hash),
    }),
  ),
  /** SHA-256 of each file as written. */
  written: z.record(z.string(), hash),
});
type Record_ = z.infer<typeof record>;

interface Placed extends DraftMigration {
  folder: string;
}

/** The changes to the plan's folder, one line each, and how to make them. */
export interface Changes {
  lines: string[];
  write(): void;
}

/**
 * Compares the plan's folder with a draft, and returns what an import would change.
 * @param from the imported folder, as it was given
 * @throws ImportError if the plan's folder has files of something else, or if a new migration has no place in its order
 */
export function changesTo(
  dir: string,
  draft: Draft,
  { tool, source }: { tool: string; source: SourceFolder },
): Changes {
  const before = recordIn(dir, tool);
  const placed = place(draft, before);
  const files = new Map<string, string>();
  for (const one of placed) {
    files.set(`${one.folder}/migrate.sql`, one.files.migrate);
    if (one.files.rollback !== undefined) files.set(`${one.folder}/rollback.sql`, one.files.rollback);
    if (one.files.validate !== undefined) files.set(`${one.folder}/validate.sql`, one.files.validate);
  }
  for (const { name, text } of draft.baseline) files.set(`baseline/${name}`, text);

  const lines: string[] = [];
  const writes = new Map<string, string>();
  const removes: string[] = [];
  const written: Record<string, string> = {};
  for (const [path, text] of files) {
    const there = textAt(join(dir, path));
    const noted = before?.written[path];
    if (there === undefined && noted !== undefined && !path.startsWith("baseline/"))
      lines.push(`${path} was removed since the import: it is written again`);
    if (there === undefined || sha(there) === noted) {
      if (there !== text) writes.set(path, text);
      if (there !== undefined && there !== text && !path.startsWith("baseline/"))
        lines.push(`${path} is written again: its source has changed`);
      written[path] = sha(text);
      continue;
    }
    written[path] = noted ?? sha(text);
    if (there !== text) lines.push(`${path} was changed by hand, and is kept`);
  }
  const kept = (before?.migrations ?? []).filter(
    ({ version }) => !placed.some((one) => one.version === version),
  );
  for (const { version, folder } of kept)
    lines.push(
      `${folder} stays in the plan, though ${version} is ${draft.appliedVersions.includes(version) ? "now applied" : "no longer pending"}. Remove it from plan.yaml, or import into a new folder`,
    );
  for (const [path, noted] of Object.entries(before?.written ?? {})) {
    if (files.has(path) || path === "plan.yaml") continue;
    const there = textAt(join(dir, path));
    if (kept.some(({ folder }) => path.startsWith(`${folder}/`))) written[path] = noted;
    else if (there === undefined) continue;
    else if (path.startsWith("baseline/") && sha(there) === noted) removes.push(path);
    else lines.push(`${path} is no longer made, and is kept. Delete it if you do not need it`);
  }
  for (const { folder, title, noWayBack, files: made } of placed)
    if (!before?.migrations.some((one) => one.folder === folder))
      lines.push(
        `${folder} is added: ${title}, with ${noWayBack === undefined ? "a rollback" : "the restore as its way back"}${made.validate === undefined ? "" : " and a check"}`,
      );

  const plan = planText(dir, draft, placed, before, source.root, tool, lines);
  if (plan.text !== textAt(join(dir, "plan.yaml"))) writes.set("plan.yaml", plan.text);
  written["plan.yaml"] = plan.noted;
  if (writes.size + removes.length === 0) lines.push("nothing is new");
  const now: Record_ = {
    note: "Written by `sluice import`, to find files that people have changed since. Keep it with the plan.",
    tool,
    from: source.root,
    migrations: [
      ...kept,
      ...placed.map(({ version, folder, sources }) => ({
        version,
        folder,
        sources: Object.fromEntries(sources.map((path) => [path, sha(source.bytes(path))])),
      })),
    ].sort((a, b) => (comesAfter(a.folder, b.folder) ? 1 : -1)),
    written: Object.fromEntries(Object.entries(written).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  return {
    lines,
    write() {
      mkdirSync(dir, { recursive: true });
      // Written first, so that an interrupted import can run again.
      writeFileSync(join(dir, RECORD), `${JSON.stringify(now, null, 2)}\n`);
      for (const [path, text] of writes) {
        const to = join(dir, path);
        mkdirSync(dirname(to), { recursive: true });
        writeFileSync(to, text);
      }
      for (const path of removes) rmSync(join(dir, path), { force: true });
    },
  };
}

function recordIn(dir: string, tool: string): Record_ | undefined {
  const text = textAt(join(dir, RECORD));
  if (text === undefined) {
    if (existsSync(dir) && readdirSync(dir).length > 0)
      throw new ImportError(
        `${dir} has files that no import made (there is no ${RECORD}). Give another folder: --plan DIR.`,
      );
    return undefined;
  }
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    given = undefined;
  }
  const parsed = record.safeParse(given);
  if (!parsed.success)
    throw new ImportError(
      `${join(dir, RECORD)} is not as an import writes it. Restore it from version control, or import into a new folder: --plan DIR.`,
    );
  if (parsed.data.tool !== tool)
    throw new ImportError(
      `${dir} has migrations of ${parsed.data.tool}, but these are of ${tool}. Give another folder: --plan DIR.`,
    );
  return parsed.data;
}

/** A folder's version is the tool's version if versions give the order, and otherwise the place among pending migrations. */
function place({ migrations }: Draft, before: Record_ | undefined): Placed[] {
  const known = new Map((before?.migrations ?? []).map(({ version, folder }) => [version, folder]));
  const own = ownVersions(migrations);
  const fresh = migrations.findIndex(({ version }) => !known.has(version));
  const late = migrations.findLastIndex(({ version }) => known.has(version));
  const first = migrations[fresh];
  if (own === undefined && first && fresh < late)
    throw new ImportError(
      `${first.version} comes before ${migrations[late]?.version}, which the plan already has as ${known.get(migrations[late]?.version ?? "")}, and there is no number in between. Import into a new folder: --plan DIR.`,
    );
  let last = Math.max(0, ...[...known.values()].map((folder) => Number.parseInt(folder, 10) || 0));
  const width = Math.max(3, String(last + migrations.length).length);
  return migrations.map((one, index) => {
    const there = known.get(one.version);
    if (there !== undefined) return { ...one, folder: there };
    last += 1;
    return { ...one, folder: `${own?.[index] ?? String(last).padStart(width, "0")}_${one.slug}` };
  });
}

function ownVersions(migrations: readonly DraftMigration[]): string[] | undefined {
  const found = migrations.flatMap(({ version }) => /^(\d+(?:[.-]\d+)*)(?:_|$)/.exec(version)?.[1] ?? []);
  const rise = found.every((one, index) => index === 0 || isNewer(one, found[index - 1] ?? ""));
  return found.length === migrations.length && rise ? found : undefined;
}

function isNewer(version: string, than: string): boolean {
  return (AS_TEXT.compare(version, than) ?? 0) > 0;
}

function comesAfter(folder: string, other: string): boolean {
  return isNewer(versionOf(folder), versionOf(other));
}

function planText(
  dir: string,
  draft: Draft,
  placed: readonly Placed[],
  before: Record_ | undefined,
  root: string,
  tool: string,
  lines: string[],
): { text: string; noted: string } {
  const there = textAt(join(dir, "plan.yaml"));
  if (there === undefined || (before?.written["plan.yaml"] === sha(there) && keepsAll(before, placed))) {
    const text = freshPlan(draft, placed, root, tool);
    return { text, noted: sha(text) };
  }
  const document = parseDocument(there);
  const list = document.get("migrations");
  if (document.errors.length > 0 || !isSeq(list))
    throw new ImportError(
      `${join(dir, "plan.yaml")} cannot be added to: it has no list of migrations. Fix it first, or import into a new folder: --plan DIR.`,
    );
  const folders = list.items.map((item) => (isMap(item) ? String(item.get("folder")) : ""));
  const added = placed.filter(({ folder }) => !folders.includes(folder));
  if (before?.written["plan.yaml"] !== sha(there))
    lines.push(
      `plan.yaml was changed by hand: ${added.length === 0 ? "it is kept" : `${added.map(({ folder }) => folder).join(", ")} ${added.length === 1 ? "is" : "are"} added to it, and the rest is kept`}`,
    );
  if (added.length === 0) return { text: there, noted: before?.written["plan.yaml"] ?? sha(there) };
  for (const one of added) {
    const at = folders.findIndex((folder) => comesAfter(folder, one.folder));
    const node = document.createNode(entryOf(one));
    list.items.splice(at < 0 ? list.items.length : at, 0, node);
    folders.splice(at < 0 ? folders.length : at, 0, one.folder);
  }
  document.setIn(
    ["local", "baseline"],
    draft.baseline.map(({ name }) => `baseline/${name}`),
  );
  return { text: document.toString({ lineWidth: 0 }), noted: before?.written["plan.yaml"] ?? "0".repeat(64) };
}

/** Files of an earlier import that this one does not make stay. */
function keepsAll(before: Record_, placed: readonly Placed[]): boolean {
  return before.migrations.every(({ folder }) => placed.some((one) => one.folder === folder));
}

function freshPlan(draft: Draft, placed: readonly Placed[], root: string, tool: string): string {
  const plan = {
    title: `Migrations of ${root}`,
    ...(draft.schema === undefined ? {} : { schema: draft.schema }),
    ...(draft.extensions.length > 0 ? { extensions: draft.extensions.map((name) => ({ name })) } : {}),
    migrations: placed.map(entryOf),
    local: { owner: "schema_owner", baseline: draft.baseline.map(({ name }) => `baseline/${name}`) },
  };
  return `# Made by \`sluice import ${root}\` (${tool}). Change what you like: the next import adds new migrations, and keeps the rest.\n${stringify(plan, { lineWidth: 0 })}`;
}

function entryOf({ folder, title, noWayBack, row }: Placed): object {
  return {
    folder,
    title,
    ...(noWayBack === undefined ? {} : { rollback: "restore" }),
    ...(row === undefined ? {} : { row }),
  };
}

function textAt(path: string): string | undefined {
  try {
    // Git may convert line ends to those of Windows, which is no change by a person.
    return readFileSync(path, "utf8").replaceAll("\r\n", "\n");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function sha(text: string | Buffer): string {
  return createHash("sha256").update(text).digest("hex");
}
