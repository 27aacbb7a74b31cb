import { takeFingerprint } from "../prove/fingerprint.ts";
import {
  Doc,
  type RecordDoc,
  type RecordName,
  type TableContentDoc,
  type Target,
} from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { applicationRoles, besideTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { type ListedTable, listTables } from "./checksums.ts";
import { modeOf } from "./compare-contents.ts";
import { takeGrowing } from "./growing.ts";
import { takeLargeObjects } from "./large-objects.ts";
import { contentModes } from "./modes.ts";
import { readTables, type TableToRead } from "./read-tables.ts";
import { takeSequences } from "./sequences.ts";
import { takeViews } from "./views.ts";

/** A table as it was read before: it is to be read in the same way, over the same columns. */
export type ReadBefore = Pick<TableContentDoc, "table" | "columns" | "checksum">;

export interface Recording {
  name: RecordName;
  target: Target;
  session: Session;
  /** What to read; every table with all its columns, as the plan says, when not given. */
  tables?: readonly ReadBefore[] | undefined;
  /** Every row is read, whatever the plan says: a backup is tested by reading it. */
  everyRow?: true | undefined;
}

/**
 * Catalog and contents of a database under that name: read once, table by table, each kept as it is read, so that
 * another worker can go on. Undefined: this worker must leave, call again.
 */
export async function takeRecord(
  ports: Ports,
  evidence: RunEvidence,
  { name, target, session, tables, everyRow }: Recording,
): Promise<RecordDoc | undefined> {
  const taken = await evidence.read<RecordDoc>(Doc.record(name));
  if (taken) return taken;
  const { at } = await evidence.once(`${Doc.record(name)}/began`, async () => ({
    at: ports.clock.now().toISOString(),
  }));
  const { hash } = await evidence.once(Doc.fingerprint(name), () =>
    takeFingerprint(session, applicationRoles(ports)),
  );
  const sequences = await evidence.once(`${Doc.record(name)}/sequences`, () => takeSequences(session));
  const wanted = await evidence.once<readonly TableToRead[]>(`${Doc.record(name)}/tables`, async () => {
    const living = await listTables(session);
    if (tables) return stillThere(tables, living);
    const modes = everyRow ? undefined : await contentModes(session, ports.plan.contents);
    return living.map((listed) => ({ ...listed, mode: modes?.get(listed.table) ?? "full" }));
  });
  // Whoever is not kept out works on this database meanwhile: it is read by one session.
  const alone = target === "production" && ports.settings.fence === "none";
  const contents = await readTables(wanted, {
    ports,
    evidence,
    under: Doc.record(name),
    session,
    beside: alone ? undefined : besideTarget(ports, evidence, target),
  });
  if (!contents) return undefined;
  const largeObjects = await evidence.once(`${Doc.record(name)}/large-objects`, () =>
    takeLargeObjects(session),
  );
  const growing = await evidence.once(`${Doc.record(name)}/growing`, () =>
    takeGrowing(session, ports.plan.contents),
  );
  const views = await evidence.once(`${Doc.record(name)}/views`, async () =>
    takeViews(session, await contentModes(session, ports.plan.contents)),
  );
  const now = ports.clock.now();
  return await evidence.keep<RecordDoc>(Doc.record(name), {
    at,
    seconds: (now.getTime() - Date.parse(at)) / 1000,
    fingerprint: hash,
    tables: contents,
    sequences,
    largeObjects,
    ...(growing.length > 0 ? { growing } : {}),
    views,
  });
}

/** Of the wanted tables and columns those that are there: what is missing shows when records are compared. */
function stillThere(wanted: readonly ReadBefore[], living: readonly ListedTable[]): TableToRead[] {
  return wanted.flatMap((before) => {
    const now = living.find(({ table }) => table === before.table);
    if (!now) return [];
    const columns = before.columns.filter((column) => now.columns.includes(column));
    return [{ ...now, columns, mode: modeOf(before) }];
  });
}
