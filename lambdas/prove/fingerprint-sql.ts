import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";
import { RELATIONS } from "./catalog-relations.ts";
import { ROLES_CONCERNED, SHARED } from "./catalog-roles.ts";
import { ROUTINES } from "./catalog-routines.ts";
import { guarded, type MayRead } from "./catalog-secrets.ts";
import { STANDALONE, WHOLE_DATABASE } from "./catalog-standalone.ts";
import { GRANTS_OF } from "./catalog-text.ts";
import { TYPES } from "./catalog-types.ts";

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
