import { type ChangesDoc, Doc, type RecordName } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { versionTables } from "../version-table/tables.ts";
import { contentModes } from "./modes.ts";
import { needMarkedRecord } from "./records.ts";
import type { Wish } from "./subjects.ts";

export type Wishes = (table: string) => Wish | undefined;

/** Every row of every table, column by column: a backup is tested by reading it, and what follows builds on it. */
export const EVERY_ROW: Wishes = () => ({ mode: "full", byColumn: true });

/** As the plan says; every row where it says nothing. */
export async function stagingWishes(session: Session, ports: Ports): Promise<Wishes> {
  const modes = await contentModes(session, ports.plan.contents);
  return (table) => ({ mode: modes.get(table) ?? "full", byColumn: true });
}

/**
 * Of production, values are read where row versions will not do: of tables that the rehearsal touched, or had no rows of,
 * that the plan names, and of all where staging must equal this record, or where others write meanwhile.
 */
export async function productionWishes(
  session: Session,
  ports: Ports,
  evidence: RunEvidence,
): Promise<Wishes> {
  const modes = await contentModes(session, ports.plan.contents);
  const seen = await evidence.read<ChangesDoc>(Doc.changes("staging"));
  if (!seen || ports.settings.fence === "none")
    return (table) => ({ mode: modes.get(table) ?? "full", byColumn: seen !== undefined });
  const touched = new Set(seen.touched);
  // What there was nothing of to touch: rows that came since may be written, as by filling a new column.
  const { mark, tables } = await needMarkedRecord(evidence, "staging");
  const partitions = new Set(mark.tables.flatMap(({ table, parent }) => (parent ? [table] : [])));
  const named = namedTables(ports);
  for (const { table, rows } of tables)
    if (rows === "0" && (partitions.has(table) || named(table))) touched.add(table);
  // The run itself writes to these.
  for (const table of await versionTables(session, ports.plan.schema)) touched.add(table);
  return (table) => {
    const mode = modes.get(table);
    if (mode === undefined && !touched.has(table)) return undefined;
    return { mode: mode ?? "full", byColumn: true };
  };
}

/** Whether the migrations may write to a table, by its name; to any, where a step does not say what it touches. */
function namedTables({ plan }: Ports): (table: string) => boolean {
  const relations = plan.migrations.flatMap(({ migrate }) => migrate.steps.map((step) => step.relations));
  const names = relations.every((some) => some !== undefined)
    ? new Set(relations.flat().map(({ name }) => name))
    : null;
  // Quoted or not, a table's own name is what its qualified name ends in.
  return (table) =>
    names === null || [...names].some((name) => table.replaceAll('"', "").endsWith(`.${name}`));
}

/** Where nothing keeps the application out, what was written since the record tells nothing about the migration. */
export function sinceBefore({ settings }: Ports): RecordName | undefined {
  return settings.fence === "none" ? undefined : "before";
}
