import type { RunEvidence } from "../shared/evidence.ts";
import { needRow, type Session } from "../shared/session.ts";
import { sha256 } from "../shared/sha256.ts";
import { type Fingerprint, takeFingerprint } from "./fingerprint.ts";
import { catalogOf, type FingerprintDoc, keepCatalog } from "./kept-fingerprint.ts";

/**
 * A moment of the session's database: as long as it is the same, nothing was committed on the whole server.
 *
 * Every change of a catalog is a transaction with a number. One that ends, by a commit or not, leaves the transactions
 * under way or is the newest that has ended, and both are in a snapshot. So two snapshots that are equal have nothing
 * between them, prepared transactions, roles and other databases included.
 *
 * A number is used again where a server lost what it had not yet written to disk: after a crash, or where another server
 * takes its place. That one started at another time. Where a crash ends sessions alone, the server's start stays, and
 * its counters begin anew. NULL, which is never the same, where a server does not say so.
 */
export const MOMENT = `
SELECT extract(epoch FROM pg_postmaster_start_time()) || ' '
       || (SELECT extract(epoch FROM stats_reset) FROM pg_stat_bgwriter) || ' '
       || (SELECT oid FROM pg_database WHERE datname = current_database()) || ' '
       || pg_current_snapshot() AS moment`;

/** A catalog as it is now, kept in the evidence. */
export interface StandingCatalog {
  doc: FingerprintDoc;
  /** It in full. */
  whole(): Promise<Fingerprint>;
}

/**
 * The catalog of the session's database: as it was read last, where nothing was committed since, and read otherwise. The
 * session must not be in a transaction.
 * @param roles as for `takeFingerprint`; the same throughout a run
 * @param former a catalog that is kept already, and of which this one may hold the most
 */
export async function standingCatalog(
  session: Session,
  evidence: RunEvidence,
  roles: readonly string[],
  former?: string,
): Promise<StandingCatalog> {
  const before = await momentOf(session);
  const name = before === null ? undefined : `fingerprints/at-${sha256(before).slice(0, 32)}`;
  const known = name === undefined ? undefined : await evidence.read<FingerprintDoc>(name);
  if (known) return { doc: known, whole: () => catalogOf(evidence, known) };
  const fingerprint = await takeFingerprint(session, roles);
  const doc = await keepCatalog(evidence, fingerprint, former);
  // The server spells some definitions by the catalog of the moment: what was read while somebody changed it is of none.
  if (name !== undefined && (await momentOf(session)) === before) await evidence.keep(name, doc);
  return { doc, whole: async () => fingerprint };
}

async function momentOf(session: Session): Promise<string | null> {
  const { moment } = await needRow<{ moment: string | null }>(session, MOMENT);
  return moment;
}
