import { createHash } from "node:crypto";
import type { Session } from "../shared/session.ts";
import { FINGERPRINT_QUERY } from "./fingerprint-sql.ts";
import { withPinnedSnapshot } from "./pinned.ts";

/** One object of the catalog, described without OIDs: the same text wherever and by whomever it is read. */
export interface CatalogObject {
  /** What it is: "table", "column", "function", "policy", "setting", ... */
  kind: string;
  /** Its full name, quoted where needed; functions with their argument types. Unique within the kind. */
  name: string;
  /** Everything else about it, in lines. */
  definition: string;
  /**
   * Of a column: its number in the catalog, which it keeps for life and no later column of the table gets. It is in no
   * hash, as it depends on the table's past. Absent for what is no column, and in evidence of older runs.
   */
  number?: number | null;
}

export interface Fingerprint {
  /** sha256 of the canonical text of all objects, in hex: equal exactly when the objects are. */
  hash: string;
  /** Sorted by kind, then name. */
  objects: CatalogObject[];
}

/**
 * Describes every object of the session's database: what is in schemas other than the system's and `sluice` (the
 * ledger), and what belongs to no schema (extensions, default privileges, publications, the database's settings, ...).
 *
 * Left out: members of an extension (it stands for them; grants on them that were made later are shown), the database's
 * name and its own privileges (the fence changes CONNECT), roles (they belong to the server), subscriptions, large
 * objects, the values that sequences have reached (see record/sequences.ts), and everything physical. Values of settings with a dot in their
 * name are shown as digests, as applications keep secrets there.
 *
 * Any role that may connect can take it, and gets the same. It takes a read-only REPEATABLE READ transaction of its
 * own, so the session must not be in one (rejects with 25001). The server spells definitions by the catalog of the
 * moment, not by the snapshot: DDL that runs meanwhile may show in parts. Compare only what one major version of
 * PostgreSQL gave (15 to 18 are supported): they spell definitions differently.
 */
export async function takeFingerprint(session: Session): Promise<Fingerprint> {
  return await withPinnedSnapshot(session, async () =>
    fingerprintOf(await session.query<CatalogObject>(FINGERPRINT_QUERY)),
  );
}

/** The fingerprint of these objects, in whatever order they come. */
export function fingerprintOf(objects: readonly CatalogObject[]): Fingerprint {
  const canonical = objects
    .map((object) => ({ object, text: JSON.stringify([object.kind, object.name, object.definition]) }))
    // By code unit, not by locale: every reader must get the same order.
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
  const hash = createHash("sha256");
  for (const { text } of canonical) hash.update(`${text}\n`);
  return {
    hash: hash.digest("hex"),
    objects: canonical.map(({ object: { kind, name, definition, number } }) =>
      number == null ? { kind, name, definition } : { kind, name, definition, number },
    ),
  };
}
