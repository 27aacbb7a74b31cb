import { createHash } from "node:crypto";
import type { CatalogObject, Fingerprint } from "../shared/documents.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { IS_USERS_SCHEMA } from "../shared/sql-text.ts";
import { RELATIONS } from "./catalog-relations.ts";
import { ACCESS_QUERY, guarded, MAY_READ, type MayRead, ROLES_CONCERNED, SHARED } from "./catalog-roles.ts";
import { ROUTINES, TYPES } from "./catalog-routines.ts";
import { STANDALONE, WHOLE_DATABASE } from "./catalog-standalone.ts";
import { GRANTS_OF } from "./catalog-text.ts";
import { withPinnedSnapshot } from "./pinned.ts";

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
    const mayRead = await requireRow<MayRead>(session, MAY_READ);
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

/**
 * One query for the whole catalog: rows of (kind, name, definition, unread, number). $1: a JSON array of roles' names.
 *
 * Each file of branches yields what is peculiar to its objects; what all objects have (a name, an owner, grants, a
 * comment, security labels, the extension they depend on) is added here. A branch's columns are
 * (kind, classid, objid, subid, owner, acl_kind, acl, detail): owner, acl_kind and acl may be NULL.
 *
 * Members of an extension stand with it, a line each: they come and go with it, and of one that was altered or
 * replaced the line differs. Their grants are told by themselves.
 */
export const fingerprintQuery = (mayRead: MayRead) => `
WITH RECURSIVE space AS MATERIALIZED (
  SELECT oid, nspname FROM pg_namespace
  WHERE ${IS_USERS_SCHEMA("nspname")}
),
member AS MATERIALIZED (
  SELECT DISTINCT classid, objid, refobjid AS extension
  FROM pg_depend WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
),
${ROLES_CONCERNED},
object (kind, classid, objid, subid, owner, acl_kind, acl, detail) AS MATERIALIZED (
  ${[...RELATIONS, ...ROUTINES, ...TYPES, ...STANDALONE].join("\n  UNION ALL\n")}
),
described AS MATERIALIZED (
  SELECT o.*, i.identity AS name, m.extension,
    concat_ws(chr(10),
      'comment: ' || d.description,
      (SELECT string_agg('label of ' || l.provider || ': ' || l.label, chr(10) ORDER BY l.provider COLLATE "C")
         FROM pg_seclabel l WHERE (l.classoid, l.objoid, l.objsubid) = (o.classid, o.objid, o.subid)),
      (SELECT string_agg('depends on extension: ' || e.extname, chr(10) ORDER BY e.extname COLLATE "C")
         FROM pg_depend x JOIN pg_extension e ON e.oid = x.refobjid
        WHERE (x.classid, x.objid, x.objsubid) = (o.classid, o.objid, o.subid)
          AND x.deptype = 'x' AND x.refclassid = 'pg_extension'::regclass),
      nullif(o.detail, '')) AS about
  FROM object o
  CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, o.subid) i
  LEFT JOIN pg_description d ON (d.classoid, d.objoid, d.objsubid) = (o.classid, o.objid, o.subid)
  LEFT JOIN member m ON (m.classid, m.objid) = (o.classid, o.objid)
),
members AS MATERIALIZED (
  SELECT extension, string_agg(line, chr(10) ORDER BY line COLLATE "C") AS lines
  FROM (SELECT extension, concat_ws(', ', format('%s %s', kind, name), 'owner ' || pg_get_userbyid(owner),
                 CASE WHEN classid = 'pg_proc'::regclass AND about ~ 'SECURITY DEFINER' THEN 'SECURITY DEFINER' END,
                 'sha256 ' || left(encode(sha256(convert_to(about, 'UTF8')), 'hex'), 16)) AS line
          FROM described WHERE extension IS NOT NULL) m
  GROUP BY extension
)
SELECT o.kind, o.name, concat_ws(chr(10),
  'owner: ' || pg_get_userbyid(o.owner),
  ${GRANTS_OF("coalesce(o.acl, acldefault(o.acl_kind, o.owner))")},
  nullif(o.about, ''),
  (SELECT lines FROM members WHERE o.classid = 'pg_extension'::regclass AND extension = o.objid)) AS definition,
  false AS unread, nullif(o.subid, 0) AS number
FROM described o WHERE o.extension IS NULL
UNION ALL
SELECT whole.*, false, NULL FROM (
${[...SHARED, ...WHOLE_DATABASE].join("\nUNION ALL\n")}
) whole
UNION ALL
SELECT secret.*, NULL FROM (
${guarded(mayRead).join("\nUNION ALL\n")}
) secret
`;
