import { takeFingerprint } from "../prove/fingerprint.ts";
import { Doc, type RecordDoc, type RecordName, type TableContentDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { mustLeave } from "../shared/task.ts";
import { listTables, takeTableContent } from "./checksums.ts";

/** A table and those of its columns that count. */
export interface TableColumns {
  table: string;
  columns: readonly string[];
}

/**
 * Catalog and contents of a database under that name: read once, table by table, each kept as it is read, so that
 * another worker can go on. Undefined: this worker must leave, call again.
 * @param tables what to read; every table with all its columns when not given.
 */
export async function takeRecord(
  ports: Ports,
  evidence: RunEvidence,
  session: Session,
  name: RecordName,
  tables?: readonly TableColumns[],
): Promise<RecordDoc | undefined> {
  const taken = await evidence.read<RecordDoc>(Doc.record(name));
  if (taken) return taken;
  const { at } = await evidence.once(`${Doc.record(name)}/began`, async () => ({
    at: ports.clock.now().toISOString(),
  }));
  const { hash } = await evidence.once(Doc.fingerprint(name), () => takeFingerprint(session));
  const wanted = await evidence.once<readonly TableColumns[]>(`${Doc.record(name)}/tables`, async () => {
    const living = await listTables(session);
    return tables ? stillThere(tables, living) : living;
  });
  const contents: TableContentDoc[] = [];
  for (const [index, { table, columns }] of wanted.entries()) {
    if (mustLeave(ports)) return undefined;
    ports.progress(`reading ${table} (${index + 1} of ${wanted.length})`);
    contents.push(
      await evidence.once<TableContentDoc>(`${Doc.record(name)}/${index}`, async () => {
        return await takeTableContent(session, table, [...columns], "full");
      }),
    );
  }
  const now = ports.clock.now();
  return await evidence.keep<RecordDoc>(Doc.record(name), {
    at,
    seconds: (now.getTime() - Date.parse(at)) / 1000,
    fingerprint: hash,
    tables: contents,
  });
}

/** Of the wanted tables and columns those that are there: what is missing shows when records are compared. */
function stillThere(wanted: readonly TableColumns[], living: readonly TableColumns[]): TableColumns[] {
  return wanted.flatMap(({ table, columns }) => {
    const now = living.find((candidate) => candidate.table === table);
    return now ? [{ table, columns: columns.filter((column) => now.columns.includes(column)) }] : [];
  });
}
