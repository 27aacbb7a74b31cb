import {
  type CatalogDelta,
  type CatalogDoc,
  type CatalogObject,
  Doc,
  docName,
  type Fingerprint,
  type FingerprintDoc,
  type ProofName,
  type RecordDoc,
  type RecordName,
  type RowMark,
} from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { sha256 } from "../shared/sha256.ts";
import { inOrder, takeFingerprint } from "./catalog.ts";

/** Returns the record of that name; the record of a proof is stored in the proof. */
export async function recordOf(evidence: RunEvidence, name: RecordName): Promise<RecordDoc | undefined> {
  const inProof = name.startsWith("after-")
    ? (await evidence.read(Doc.proof(name.slice("after-".length) as ProofName)))?.record
    : undefined;
  return inProof ?? (await evidence.read(Doc.record(name)));
}

/** @throws Error if there is none: a state ran out of order */
export async function requireRecord(evidence: RunEvidence, name: RecordName): Promise<RecordDoc> {
  const record = await recordOf(evidence, name);
  if (!record) throw new Error(`The evidence of run ${evidence.run} has no record ${name}`);
  return record;
}

/** A record with its mark, from which row versions are counted. */
export interface MarkedRecord extends RecordDoc {
  mark: RowMark;
}

/** @throws Error as requireRecord */
export async function requireMarkedRecord(evidence: RunEvidence, name: RecordName): Promise<MarkedRecord> {
  return await marked(evidence, name, await requireRecord(evidence, name));
}

export async function marked(
  evidence: RunEvidence,
  name: RecordName,
  record: RecordDoc,
): Promise<MarkedRecord> {
  // A run that an older version of Sluice started keeps the mark in a document of its own.
  const { mark } = record.mark ? { mark: record.mark } : await evidence.require(Doc.recordBegan(name));
  return { ...record, mark };
}

export async function keepFingerprint(
  evidence: RunEvidence,
  name: string,
  fingerprint: Fingerprint,
): Promise<void> {
  // First keep the document that the other one names: a worker that dies in between leaves nothing unreadable.
  const doc = await keepCatalog(evidence, fingerprint);
  await evidence.createOnce(Doc.fingerprint(name), doc);
}

/**
 * Keeps a fingerprint's objects. Returns the reference for the document that names them.
 * @param former a kept catalog that probably holds most of the same objects
 */
export async function keepCatalog(
  evidence: RunEvidence,
  { hash, ...catalog }: Fingerprint,
  former?: string,
): Promise<FingerprintDoc> {
  const text = JSON.stringify(catalog);
  const name = sha256(text);
  const delta =
    former === undefined || former === name
      ? undefined
      : JSON.stringify(await deltaTo(evidence, former, catalog));
  const shorter = delta !== undefined && delta.length < text.length / 2 ? delta : text;
  await evidence.keepFile(`${Doc.catalog(name)}.json`, shorter, "application/json");
  return { hash, catalog: name };
}

/** Relative to the full catalog behind `former`: so a catalog is never more than two documents away. */
async function deltaTo(
  evidence: RunEvidence,
  former: string,
  { objects, ...others }: CatalogDoc,
): Promise<CatalogDelta> {
  const kept = await evidence.require(Doc.catalog(former));
  const from = "from" in kept ? kept.from : former;
  const whole = "from" in kept ? await wholeCatalog(evidence, from) : kept;
  const textsOf = (some: readonly CatalogObject[]) => new Set(some.map((object) => JSON.stringify(object)));
  const [before, now] = [textsOf(whole.objects), textsOf(objects)];
  return {
    from,
    without: whole.objects
      .filter((object) => !now.has(JSON.stringify(object)))
      .map(({ kind, name }) => ({ kind, name })),
    with: objects.filter((object) => !before.has(JSON.stringify(object))),
    ...others,
  };
}

/** Returns a catalog that others are stored as differences from. */
async function wholeCatalog(evidence: RunEvidence, name: string): Promise<CatalogDoc> {
  return await evidence.require(docName<CatalogDoc>(Doc.catalog(name)));
}

/** @throws Error if the kept catalog does not match its name */
async function readCatalog(evidence: RunEvidence, name: string): Promise<CatalogDoc> {
  const kept = await evidence.require(Doc.catalog(name));
  if (!("from" in kept)) return kept;
  const { from, without, with: added, ...others } = kept;
  const keyOf = ({ kind, name }: Pick<CatalogObject, "kind" | "name">) => JSON.stringify([kind, name]);
  const gone = new Set(without.map(keyOf));
  const whole = await wholeCatalog(evidence, from);
  const left = whole.objects.filter((object) => !gone.has(keyOf(object)));
  const catalog = { objects: inOrder([...left, ...added]), ...others };
  if (sha256(JSON.stringify(catalog)) !== name)
    throw new Error(`${Doc.catalog(name)}.json, with ${Doc.catalog(from)}.json, does not match its checksum`);
  return catalog;
}

/**
 * Returns the fingerprint of a gate or a record.
 * @throws Error if it was not kept
 */
export async function keptFingerprint(evidence: RunEvidence, name: string): Promise<Fingerprint> {
  const record = await recordOf(evidence, name as RecordName);
  if (record?.catalog !== undefined) return await fingerprintOf(evidence, record);
  return await catalogOf(evidence, await evidence.require(Doc.fingerprint(name)));
}

async function catalogOf(evidence: RunEvidence, { hash, catalog }: FingerprintDoc): Promise<Fingerprint> {
  return { hash, ...(await readCatalog(evidence, catalog)) };
}

/** Returns the fingerprint of a record, which need not be kept yet. */
export async function fingerprintOf(
  evidence: RunEvidence,
  { fingerprint, catalog }: Pick<RecordDoc, "fingerprint" | "catalog">,
): Promise<Fingerprint> {
  if (catalog === undefined) throw new Error("The record has no catalog");
  return await catalogOf(evidence, { hash: fingerprint, catalog });
}

/**
 * A moment of the session's database: while it is the same, nothing was committed on the whole server.
 *
 * Every change of a catalog is a transaction with a number. When one ends, by a commit or otherwise, it leaves the
 * transactions under way or is the newest that has ended; a snapshot holds both. So nothing lies between two equal
 * snapshots, including prepared transactions, roles and other databases.
 *
 * A number is used again if a server lost unwritten transactions: after a crash, or if another server takes its
 * place. The other server has another start time. If a crash ends only sessions, the server's start stays, but its
 * counters restart. NULL, which never equals anything, if a server does not report these.
 */
export const MOMENT = `
SELECT extract(epoch FROM pg_postmaster_start_time()) || ' '
       || (SELECT extract(epoch FROM stats_reset) FROM pg_stat_bgwriter) || ' '
       || (SELECT oid FROM pg_database WHERE datname = current_database()) || ' '
       || pg_current_snapshot() AS moment`;

/** The current catalog, kept in the evidence. */
export interface StandingCatalog {
  doc: FingerprintDoc;
  /** Returns the full fingerprint. */
  whole(): Promise<Fingerprint>;
}

/**
 * Returns the catalog of the session's database: the last reading if nothing was committed since, otherwise a new
 * one. The session must not be in a transaction.
 * @param roles as for `takeFingerprint`; the same throughout a run
 * @param former a kept catalog that probably holds most of the same objects
 */
export async function standingCatalog(
  session: Session,
  evidence: RunEvidence,
  roles: readonly string[],
  former?: string,
): Promise<StandingCatalog> {
  const before = await momentOf(session);
  const name = before === null ? undefined : Doc.fingerprint(`at-${sha256(before).slice(0, 32)}`);
  const known = name === undefined ? undefined : await evidence.read(name);
  if (known) return { doc: known, whole: () => catalogOf(evidence, known) };
  const fingerprint = await takeFingerprint(session, roles);
  const doc = await keepCatalog(evidence, fingerprint, former);
  // The server spells some definitions by the current catalog: a reading during a change belongs to no moment.
  if (name !== undefined && (await momentOf(session)) === before) await evidence.createOnce(name, doc);
  return { doc, whole: async () => fingerprint };
}

async function momentOf(session: Session): Promise<string | null> {
  const { moment } = await requireRow<{ moment: string | null }>(session, MOMENT);
  return moment;
}
