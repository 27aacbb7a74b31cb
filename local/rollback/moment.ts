import {
  largeObjectsThatDiffer,
  takeLargeObjects,
  takeSequences,
  wentBack,
} from "../../lambdas/proof/besides.ts";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { listTables, type TableContent, takeTableContent } from "../../lambdas/proof/checksums.ts";
import { compareContents } from "../../lambdas/proof/compare-contents.ts";
import { describeDifference, differences } from "../../lambdas/proof/difference.ts";
import type { Fingerprint, LargeObjectsDoc, SequenceDoc } from "../../lambdas/shared/documents.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { IS_USERS_TABLE, MAY_READ_ROWS } from "../../lambdas/shared/user-objects.ts";

/** A database at a moment, as far as a proof covers it: without the rows of unlogged tables. */
export interface Moment {
  fingerprint: Fingerprint;
  contents: TableContent[];
  /** Tables with rows that this role may not read: their rows are not compared. */
  unread: string[];
  sequences: SequenceDoc[];
  largeObjects: LargeObjectsDoc;
}

export async function takeMoment(session: Session, roles: readonly string[]): Promise<Moment> {
  const contents: TableContent[] = [];
  // Copies made from files do not have the rows of unlogged tables.
  const unlogged = await session.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence = 'u'`,
  );
  // Row-level security is forced on the owner, or a right was revoked from the role.
  const unread = await session.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE ${IS_USERS_TABLE} AND c.relpersistence <> 'u' AND NOT ${MAY_READ_ROWS("c.oid")} ORDER BY 1`,
  );
  const leftOut = new Set([...unlogged, ...unread].map(({ name }) => name));
  for (const { table, columns } of (await listTables(session)).filter((one) => !leftOut.has(one.table)))
    contents.push(await takeTableContent(session, table, columns, "full", { sums: true }));
  return {
    fingerprint: await takeFingerprint(session, roles),
    contents,
    unread: unread.map(({ name }) => name),
    sequences: await takeSequences(session),
    largeObjects: await takeLargeObjects(session),
  };
}

/** The differences of the catalog, in lines. */
export async function catalogThatDiffers(session: Session, was: Moment): Promise<string[]> {
  return differences(was.fingerprint, await takeFingerprint(session, was.fingerprint.roles)).map(
    describeDifference,
  );
}

/** What tables, sequences and large objects no longer hold, in lines. Added columns do not count. */
export async function contentsThatDiffer(session: Session, was: Moment): Promise<string[]> {
  const now: TableContent[] = [];
  for (const { table, columns, key } of was.contents)
    now.push(await takeTableContent(session, table, columns, "full", { sums: true, key }));
  const former = await takeLargeObjects(session, was.largeObjects.oids);
  const { count } = await takeLargeObjects(session);
  return [
    ...compareContents(was.contents, now).map(({ text }) => text),
    ...wentBack(was.sequences, await takeSequences(session)),
    ...largeObjectsThatDiffer(was.largeObjects, former, Number(count) - Number(former.count)),
  ];
}
