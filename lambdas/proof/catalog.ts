import { createHash } from "node:crypto";
import type { CatalogObject, Fingerprint } from "../shared/documents.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";
import { GRANTS_OF, RELATIONS } from "./catalog-relations.ts";
import { ACCESS_QUERY, guarded, MAY_READ, type MayRead, ROLES_CONCERNED, SHARED } from "./catalog-roles.ts";
import { ROUTINES, TYPES } from "./catalog-routines.ts";
import { STANDALONE, WHOLE_DATABASE } from "./catalog-standalone.ts";
import { withPinnedSnapshot } from "./pinned.ts";

/**
 * Describes every object of the session's database: objects in all schemas except the system's and `sluice` (the
 * ledger), objects outside schemas (extensions, default privileges, publications, subscriptions, ...), and the
 * database itself. From the server it includes the roles that own something in the database or are granted something,
 * and the requested roles, with their memberships, attributes and settings, and grants on parameters. Members of an
 * extension are lines of that extension.
 *
 * Left out: the database's name, passwords and their hashes, the provider's own roles (named pg_... and rds...),
 * large objects and the values that sequences have reached (see besides.ts), and everything physical.
 * Values of settings with a dot in their name, connection strings of subscriptions and options of user mappings are
 * shown as digests, because they may hold secrets.
 *
 * Any role that may connect can take it; only `unread` depends on the role. It runs in a read-only REPEATABLE READ
 * transaction of its own, so the session must not be in one (rejects with 25001). The server spells definitions by
 * the current catalog, not by the snapshot: concurrent DDL may show in parts. Compare only fingerprints from the same
 * major version of PostgreSQL (15 to 18 are supported): versions spell definitions differently.
 *
 * @param roles further roles to describe if they exist: the application's
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

/** Builds the fingerprint of these objects, given in any order. */
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

/** Sorts objects into the order of a fingerprint. */
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
 * One query for the whole catalog: rows of (kind, name, definition, unread, number). $1: a JSON array of role names.
 *
 * Each file of branches returns what is specific to its objects. This query adds what all objects have: a name, an
 * owner, grants, a comment, security labels, the extension they depend on. A branch's columns are (kind, classid,
 * objid, subid, owner, acl_kind, acl, detail); owner, acl_kind and acl may be NULL.
 *
 * Members of an extension are listed with it, one line each, because they are created and dropped with it. The line
 * of an altered or replaced member differs. Their grants are listed separately.
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
