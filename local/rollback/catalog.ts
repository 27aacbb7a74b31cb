import { PINNED } from "../../lambdas/proof/pinned.ts";
import { requireRow, type Session, withRolledBackTransaction } from "../../lambdas/shared/session.ts";
import { IS_USERS_SCHEMA } from "../../lambdas/shared/user-objects.ts";
import { relations } from "./describe-relations.ts";
import { ROUTINES } from "./describe-routines.ts";
import { listed, OBJECT_RIGHT, RIGHT } from "./describe-sql.ts";
import { standalone } from "./describe-standalone.ts";
import { TYPES } from "./describe-types.ts";

/** An aspect of an object that has its own statement, such as a default, a right or a comment. */
export interface Part {
  /** The statement that sets it. It is safe to run again. */
  set: string;
  /** The statement that removes it; absent: every object of the kind has this part. */
  unset?: string;
  /** Whether a new object has it so. */
  plain?: boolean;
  /** Whether it must be removed before it is set to something else. */
  replace?: boolean;
  /** Its definition, if the statement has more than that; absent: the statement itself. */
  is?: string;
}

/** An object of the catalog, with the statements that make it. */
export interface Described {
  kind: string;
  name: string;
  /** Class, oid and column number, which identify the object while it exists, whatever its name. */
  address: string;
  parent: string | null;
  /** Its name without its schema's and its parent's. */
  own: string | null;
  space: string | null;
  /** `ALTER TABLE x RENAME TO `; the new name follows. */
  renames: string | null;
  moves: string | null;
  /** Null: another object brings it. */
  create: string | null;
  /** Null: it goes with another object. */
  drop: string | null;
  /** If this differs, no part can change it back: it must be made again. */
  rebuild: string | null;
  parts: Record<string, Part>;
}

export interface Catalog {
  objects: ReadonlyMap<string, Described>;
  /** By key: the keys of the objects that an object depends on. */
  needs: ReadonlyMap<string, ReadonlySet<string>>;
  /** The same in the other direction. */
  needed: ReadonlyMap<string, ReadonlySet<string>>;
}

export const keyOf = ({ kind, name }: Pick<Described, "kind" | "name">): string => `${kind} ${name}`;

const COLUMNS =
  'kind, classid, objid, subid, parent_class, parent_obj, parent_sub, "create", "drop", rebuild, parts, owner, acl_kind, acl, acl_on, acl_column, own';

// For COMMENT ON and ALTER ... OWNER TO, with the name as pg_identify_object gives it.
const REF = `CASE
  WHEN i.type LIKE '%column' THEN 'COLUMN ' || i.identity
  WHEN i.type = 'table constraint' THEN 'CONSTRAINT ' || i.identity
  WHEN i.type = 'domain constraint' THEN format('CONSTRAINT %I ON DOMAIN %s', o.own, substr(i.identity, length(quote_ident(o.own)) + 5))
  WHEN i.type = 'foreign-data wrapper' THEN 'FOREIGN DATA WRAPPER ' || i.identity
  WHEN i.type = 'statistics object' THEN 'STATISTICS ' || i.identity
  WHEN i.type IN ('default acl', 'user mapping', 'role', 'database', 'tablespace', 'parameter ACL') THEN NULL
  ELSE upper(i.type) || ' ' || i.identity END`;

const DEFAULT_ACL = "acldefault(o.acl_kind, coalesce(o.owner, 10))";

const ACL = listed(RIGHT, OBJECT_RIGHT.give, OBJECT_RIGHT.take, `aclexplode(o.acl)`, {
  plain: `EXISTS (SELECT FROM aclexplode(${DEFAULT_ACL}) d WHERE (d.grantee, d.privilege_type, d.is_grantable) = (aclexplode.grantee, aclexplode.privilege_type, aclexplode.is_grantable))`,
});
/** Rights that a new object grants and this one does not. */
const WITHHELD = listed(
  RIGHT,
  OBJECT_RIGHT.take,
  OBJECT_RIGHT.give,
  `(SELECT grantee, privilege_type, is_grantable FROM aclexplode(${DEFAULT_ACL})
    EXCEPT SELECT grantee, privilege_type, is_grantable FROM aclexplode(o.acl)) lacking`,
);

const COMMON = `coalesce((SELECT jsonb_object_agg(key, jsonb_strip_nulls(jsonb_build_object('set', set, 'unset', unset, 'plain', plain))) FROM (
    ${ACL} WHERE o.acl_on IS NOT NULL UNION ALL ${WITHHELD} WHERE o.acl_on IS NOT NULL
    UNION ALL
    SELECT '51 owner', format('ALTER %s OWNER TO %I', r.ref, pg_get_userbyid(o.owner)), NULL, pg_get_userbyid(o.owner) = current_user, NULL, NULL
     WHERE o.owner IS NOT NULL
       -- That of a column's sequence is its table's.
       AND NOT (o.kind = 'sequence' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = o.objid
         AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')))
    UNION ALL
    SELECT '60 comment', format('COMMENT ON %s IS %s', r.ref, coalesce(quote_literal(c.description), 'NULL')), NULL, c.description IS NULL, NULL, NULL
    UNION ALL
    SELECT '59 depends on ' || e.extname, format('ALTER %s DEPENDS ON EXTENSION %I', r.ref, e.extname), format('ALTER %s NO DEPENDS ON EXTENSION %I', r.ref, e.extname), NULL, NULL, NULL
      FROM pg_depend x JOIN pg_extension e ON e.oid = x.refobjid
     WHERE (x.classid, x.objid, x.objsubid) = (o.classid, o.objid, o.subid) AND x.deptype = 'x' AND x.refclassid = 'pg_extension'::regclass
  ) part (key, set, unset, plain, replace, "is") WHERE set IS NOT NULL), '{}')`;

const ADDRESS = (classid: string, objid: string, subid: string) =>
  `concat_ws(' ', ${classid}::oid, ${objid}, ${subid})`;

const OBJECTS = (version: number) => `
WITH space AS MATERIALIZED (
  SELECT oid, nspname FROM pg_namespace WHERE ${IS_USERS_SCHEMA("nspname")}
),
object (${COLUMNS}) AS MATERIALIZED (
  ${[...relations(version), ...ROUTINES, ...TYPES, ...standalone(version)].join("\n  UNION ALL\n")}
)
SELECT o.kind, coalesce(i.identity, substring(o."drop" from 'FOR .*'), 'this one') AS name, ${ADDRESS("o.classid", "o.objid", "o.subid")} AS address,
  CASE WHEN o.parent_class IS NOT NULL THEN ${ADDRESS("o.parent_class", "o.parent_obj", "o.parent_sub")} END AS parent,
  o.own, CASE WHEN o.parent_class IS NULL THEN (parse_ident(i.schema))[1] END AS space,
  CASE o.kind
    WHEN 'column' THEN CASE WHEN o.parent_class = 'pg_type'::regclass THEN format('ALTER TYPE %s RENAME ATTRIBUTE %I TO ', format_type(o.parent_obj, NULL), o.own)
      ELSE format('ALTER TABLE %s RENAME COLUMN %I TO ', o.parent_obj::regclass, o.own) END
    WHEN 'constraint' THEN CASE WHEN o.parent_class = 'pg_type'::regclass THEN format('ALTER DOMAIN %s RENAME CONSTRAINT %I TO ', format_type(o.parent_obj, NULL), o.own)
      ELSE format('ALTER TABLE %s RENAME CONSTRAINT %I TO ', o.parent_obj::regclass, o.own) END
    WHEN 'privileges' THEN NULL
    ELSE 'ALTER ' || r.ref || ' RENAME TO ' END AS renames,
  CASE WHEN i.schema IS NOT NULL AND o.parent_class IS NULL THEN 'ALTER ' || r.ref || ' SET SCHEMA ' END AS moves,
  o."create", o."drop", o.rebuild, o.parts || CASE WHEN r.ref IS NULL OR o.kind = 'privileges' THEN '{}' ELSE ${COMMON} END AS parts
FROM object o
LEFT JOIN LATERAL pg_identify_object(CASE WHEN o.kind NOT IN ('settings', 'user mapping', 'database') THEN o.classid END, o.objid, o.subid) i ON true
CROSS JOIN LATERAL (SELECT ${REF} AS ref) r
LEFT JOIN pg_description c ON (c.classoid, c.objoid, c.objsubid) = (o.classid, o.objid, o.subid)
WHERE o.kind = 'privileges' OR NOT EXISTS (SELECT FROM pg_depend m WHERE (m.classid, m.objid) = (o.classid, o.objid)
  -- A member of an extension, or what comes with a range type.
  AND (m.deptype = 'e' OR (m.deptype = 'i' AND m.refclassid = 'pg_type'::regclass AND m.classid IN ('pg_proc'::regclass, 'pg_cast'::regclass))))
UNION ALL
SELECT 'enum label', e.enumtypid::regtype || ' ' || e.enumlabel, ${ADDRESS("'pg_enum'::regclass", "e.oid", "0")}, ${ADDRESS("'pg_type'::regclass", "e.enumtypid", "0")},
  e.enumlabel, NULL, format('ALTER TYPE %s RENAME VALUE %L TO ', e.enumtypid::regtype, e.enumlabel), NULL, NULL, NULL, NULL, '{}'
FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid JOIN space ON space.oid = t.typnamespace`;

// Both sides of a dependency, each as the object of ours that it concerns.
const NEEDS = `
WITH spot AS MATERIALIZED (
  SELECT classid, objid, objsubid FROM pg_depend WHERE objid >= 16384 AND refobjid >= 16384
  UNION SELECT refclassid, refobjid, refobjsubid FROM pg_depend WHERE objid >= 16384 AND refobjid >= 16384
),
meant AS MATERIALIZED (
  SELECT s.*, coalesce(
      (SELECT ${ADDRESS("'pg_extension'::regclass", "m.refobjid", "0")} FROM pg_depend m WHERE m.deptype = 'e' AND (m.classid, m.objid) = (s.classid, s.objid) LIMIT 1),
      CASE s.classid
        WHEN 'pg_rewrite'::regclass THEN (SELECT ${ADDRESS("'pg_class'::regclass", "ev_class", "0")} FROM pg_rewrite WHERE oid = s.objid AND rulename = '_RETURN')
        WHEN 'pg_attrdef'::regclass THEN (SELECT ${ADDRESS("'pg_class'::regclass", "adrelid", "adnum")} FROM pg_attrdef WHERE oid = s.objid)
        WHEN 'pg_trigger'::regclass THEN (SELECT ${ADDRESS("'pg_constraint'::regclass", "tgconstraint", "0")} FROM pg_trigger WHERE oid = s.objid AND tgisinternal AND tgconstraint <> 0)
        WHEN 'pg_publication_rel'::regclass THEN (SELECT ${ADDRESS("'pg_publication'::regclass", "prpubid", "0")} FROM pg_publication_rel WHERE oid = s.objid)
        WHEN 'pg_amop'::regclass THEN (SELECT ${ADDRESS("'pg_opfamily'::regclass", "amopfamily", "0")} FROM pg_amop WHERE oid = s.objid)
        WHEN 'pg_amproc'::regclass THEN (SELECT ${ADDRESS("'pg_opfamily'::regclass", "amprocfamily", "0")} FROM pg_amproc WHERE oid = s.objid)
        WHEN 'pg_class'::regclass THEN (SELECT ${ADDRESS("'pg_type'::regclass", "reltype", "0")} FROM pg_class WHERE oid = s.objid AND relkind = 'c' AND s.objsubid = 0)
        WHEN 'pg_type'::regclass THEN (
          WITH base AS (SELECT coalesce((SELECT oid FROM pg_type WHERE typarray = s.objid), (SELECT rngtypid FROM pg_range WHERE rngmultitypid = s.objid), s.objid) AS oid)
          SELECT CASE WHEN c.relkind <> 'c' THEN ${ADDRESS("'pg_class'::regclass", "c.oid", "0")} ELSE ${ADDRESS("'pg_type'::regclass", "t.oid", "0")} END
            FROM base JOIN pg_type t ON t.oid = base.oid LEFT JOIN pg_class c ON c.oid = t.typrelid)
      END,
      ${ADDRESS("s.classid", "s.objid", "s.objsubid")}) AS address
  FROM spot s
)
SELECT DISTINCT a.address AS "from", b.address AS "to"
FROM pg_depend d
JOIN meant a USING (classid, objid, objsubid)
JOIN meant b ON (b.classid, b.objid, b.objsubid) = (d.refclassid, d.refobjid, d.refobjsubid)
WHERE a.address <> b.address AND d.deptype <> 'x'
UNION
-- From PostgreSQL 18 on, a primary key relies on NOT NULL constraints; pg_depend has no entry for this.
SELECT ${ADDRESS("'pg_constraint'::regclass", "p.oid", "0")}, ${ADDRESS("'pg_constraint'::regclass", "n.oid", "0")}
FROM pg_constraint p JOIN pg_constraint n ON n.conrelid = p.conrelid AND n.contype = 'n' AND n.conkey <@ p.conkey
WHERE p.contype = 'p'`;

/**
 * Everything in the session's database that a migration can change except rows, as statements that make it.
 * @param first statements that run before the reading and are rolled back after it: to read the state that they lead to
 */
export async function takeCatalog(session: Session, first: readonly string[] = []): Promise<Catalog> {
  const { version } = await requireRow<{ version: number }>(
    session,
    "SELECT current_setting('server_version_num')::int AS version",
  );
  return await withRolledBackTransaction(session, async () => {
    for (const statement of first) await session.exec(statement);
    await session.exec(PINNED);
    const rows = await session.query<Described>(OBJECTS(version));
    const edges = await session.query<{ from: string; to: string }>(NEEDS);
    return catalogOf(rows, edges);
  });
}

function catalogOf(rows: readonly Described[], edges: readonly { from: string; to: string }[]): Catalog {
  const keys = new Map(
    rows.flatMap((row) => (row.kind === "privileges" ? [] : [[row.address, keyOf(row)] as const])),
  );
  const needs = new Map<string, Set<string>>();
  const needed = new Map<string, Set<string>>();
  const add = (from: string | undefined, to: string | undefined) => {
    if (from === undefined || to === undefined || from === to) return;
    const some = needs.get(from) ?? new Set();
    needs.set(from, some.add(to));
    const others = needed.get(to) ?? new Set();
    needed.set(to, others.add(from));
  };
  for (const { from, to } of edges) add(keys.get(from), keys.get(to));
  for (const { address, parent } of rows) if (parent !== null) add(keys.get(address), keys.get(parent));
  return {
    objects: new Map(
      rows.map((row) => [
        keyOf(row),
        { ...row, parent: row.parent === null ? null : (keys.get(row.parent) ?? null) },
      ]),
    ),
    needs,
    needed,
  };
}
