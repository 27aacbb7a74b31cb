import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";
import { RELATIONS } from "./catalog-relations.ts";
import { ROUTINES } from "./catalog-routines.ts";
import { STANDALONE, WHOLE_DATABASE } from "./catalog-standalone.ts";
import { GRANTS_OF } from "./catalog-text.ts";
import { TYPES } from "./catalog-types.ts";

/**
 * One query for the whole catalog: rows of (kind, name, definition, number).
 *
 * Each file of branches yields what is peculiar to its objects; what all objects have (a name, an owner, grants, a
 * comment, security labels, the extension they belong to) is added here. A branch's columns are
 * (kind, classid, objid, subid, owner, acl_kind, acl, detail): owner, acl_kind and acl may be NULL.
 */
export const FINGERPRINT_QUERY = `
WITH space AS MATERIALIZED (
  SELECT oid, nspname FROM pg_namespace
  WHERE ${IS_USERS_SCHEMA("nspname")}
),
member AS MATERIALIZED (
  SELECT DISTINCT classid, objid FROM pg_depend WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
),
object (kind, classid, objid, subid, owner, acl_kind, acl, detail) AS (
  ${[...RELATIONS, ...ROUTINES, ...TYPES, ...STANDALONE].join("\n  UNION ALL\n")}
)
SELECT o.kind, i.identity AS name, concat_ws(chr(10),
  'owner: ' || pg_get_userbyid(o.owner),
  ${GRANTS_OF("coalesce(o.acl, acldefault(o.acl_kind, o.owner))")},
  'comment: ' || d.description,
  (SELECT string_agg('label of ' || l.provider || ': ' || l.label, chr(10) ORDER BY l.provider COLLATE "C")
     FROM pg_seclabel l WHERE (l.classoid, l.objoid, l.objsubid) = (o.classid, o.objid, o.subid)),
  (SELECT string_agg('depends on extension: ' || e.extname, chr(10) ORDER BY e.extname COLLATE "C")
     FROM pg_depend x JOIN pg_extension e ON e.oid = x.refobjid
    WHERE (x.classid, x.objid, x.objsubid) = (o.classid, o.objid, o.subid)
      AND x.deptype = 'x' AND x.refclassid = 'pg_extension'::regclass),
  nullif(o.detail, '')) AS definition, nullif(o.subid, 0) AS number
FROM object o
CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, o.subid) i
LEFT JOIN pg_description d ON (d.classoid, d.objoid, d.objsubid) = (o.classid, o.objid, o.subid)
WHERE NOT EXISTS (SELECT FROM member m WHERE (m.classid, m.objid) = (o.classid, o.objid))
UNION ALL
SELECT whole.*, NULL FROM (
${WHOLE_DATABASE.join("\nUNION ALL\n")}
) whole
`;
