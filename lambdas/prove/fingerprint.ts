import { createHash } from "node:crypto";
import { needRow, type Session } from "../shared/session.ts";
import { ACCESS_QUERY } from "./catalog-roles.ts";
import { MAY_READ, type MayRead } from "./catalog-secrets.ts";
import { fingerprintQuery } from "./fingerprint-sql.ts";
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
  /** Who may connect and make temporary tables. No part of the hash: the fence takes CONNECT, and gives it back. */
  access?: CatalogObject[] | undefined;
  /** What this role may not read, by kind and name: nothing is claimed of it. */
  unread?: Pick<CatalogObject, "kind" | "name">[] | undefined;
  /** Roles that were asked for, whatever they own or are granted here. */
  roles?: readonly string[] | undefined;
}

/**
 * Describes every object of the session's database: what is in schemas other than the system's and `sluice` (the
 * ledger), what belongs to no schema (extensions, default privileges, publications, subscriptions, ...), the database
 * itself, and of the server what concerns it: the roles that own or are granted something in it and those asked for,
 * with their memberships, attributes and settings, and grants on parameters. Members of an extension are lines of it.
 *
 * Left out: the database's name, passwords and their hashes, the provider's own roles (named pg_... and rds...), large
 * objects (see record/large-objects.ts), the values that sequences have reached (see record/sequences.ts), and
 * everything physical. Values of settings with a dot in their name, connection strings of subscriptions and options of
 * user mappings are shown as digests, as they may hold secrets.
 *
 * Any role that may connect can take it, and gets the same but for `unread`. It takes a read-only REPEATABLE READ
 * transaction of its own, so the session must not be in one (rejects with 25001). The server spells definitions by the
 * catalog of the moment, not by the snapshot: DDL that runs meanwhile may show in parts. Compare only what one major
 * version of PostgreSQL gave (15 to 18 are supported): they spell definitions differently.
 *
 * @param roles described too, where they exist: the application's
 */
export async function takeFingerprint(session: Session, roles: readonly string[] = []): Promise<Fingerprint> {
  return await withPinnedSnapshot(session, async () => {
    const mayRead = await needRow<MayRead>(session, MAY_READ);
    const rows = await session.query<CatalogObject & { unread: boolean }>(fingerprintQuery(mayRead), [
      JSON.stringify(roles),
    ]);
    const unread = rows.filter((row) => row.unread).map(({ kind, name }) => ({ kind, name }));
    return {
      ...fingerprintOf(rows.filter((row) => !row.unread)),
      access: await session.query<CatalogObject>(ACCESS_QUERY),
      ...(unread.length > 0 ? { unread } : {}),
      ...(roles.length > 0 ? { roles } : {}),
    };
  });
}

/** The fingerprint of these objects, in whatever order they come. */
export function fingerprintOf(objects: readonly CatalogObject[]): Fingerprint {
  const canonical = canonicalOf(objects);
  const hash = createHash("sha256");
  for (const { text } of canonical) hash.update(`${text}\n`);
  return {
    hash: hash.digest("hex"),
    objects: canonical.map(({ object: { kind, name, definition, number } }) =>
      number == null ? { kind, name, definition } : { kind, name, definition, number },
    ),
  };
}

/** The objects in the order of a fingerprint. */
export function inOrder(objects: readonly CatalogObject[]): CatalogObject[] {
  return canonicalOf(objects).map(({ object }) => object);
}

function canonicalOf(objects: readonly CatalogObject[]): { object: CatalogObject; text: string }[] {
  return (
    objects
      .map((object) => ({ object, text: JSON.stringify([object.kind, object.name, object.definition]) }))
      // By code unit, not by locale: every reader must get the same order.
      .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
  );
}
