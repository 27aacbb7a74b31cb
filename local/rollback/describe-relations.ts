import {
  branch,
  doWhere,
  FOREIGN_OPTIONS,
  foreignOptions,
  listed,
  OPTION,
  OPTION_NAME,
  parts,
  unlessThere,
} from "./describe-sql.ts";

const FULL = "format('%I.%I', n.nspname, c.relname)";
const WORD = `CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
  WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END`;
const IN_SPACE = "pg_class c JOIN space n ON n.oid = c.relnamespace";

const columnText = (
  notNull: string,
) => `format('%I %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
  CASE WHEN a.attcollation NOT IN (0, y.typcollation) THEN ' COLLATE ' || a.attcollation::regcollation::text END,
  CASE a.attgenerated WHEN 's' THEN ' GENERATED ALWAYS AS (' || pg_get_expr(e.adbin, e.adrelid) || ') STORED'
    WHEN 'v' THEN ' GENERATED ALWAYS AS (' || pg_get_expr(e.adbin, e.adrelid) || ') VIRTUAL' END,
  ${notNull})`;

const COLUMNS = `(SELECT string_agg('  ' || ${columnText("NULL")}, E',\\n' ORDER BY a.attnum)
  FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
  LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)`;

const WITH = `(SELECT ' WITH (' || string_agg(${OPTION}, ', ' ORDER BY o) || ')' FROM unnest(c.reloptions) o)`;

const IDENTITY_OF = `(SELECT d.refobjid FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
  AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype = 'i')`;
/** The column that a sequence belongs to, as (table, column). */
const SERVES = (value: string) => `(SELECT ${value} FROM pg_depend d
  JOIN pg_attribute a ON (a.attrelid, a.attnum) = (d.refobjid, d.refobjsubid)
  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
    AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i'))`;

/** The ALTER TABLE statement for a column. */
const alterColumn = (rest: string) =>
  `format('ALTER %s %s ALTER COLUMN %I %s', CASE c.relkind WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, ${FULL}, a.attname, ${rest})`;

/** An enum can be cast to its former self only through its labels; the same holds for types made of one. */
const THROUGH_TEXT = `CASE WHEN y.typtype IN ('e', 'd', 'r', 'c') AND y.oid >= 16384 THEN 'text::'
  WHEN y.typelem >= 16384 AND y.typcategory = 'A' THEN 'text[]::' END`;

const HOLDS_VALUES = "c.relkind IN ('r', 'p', 'f')";
const OWN_TYPE = `${HOLDS_VALUES} AND a.attinhcount = 0`;

const INHERITS = (child: string, parent: string) =>
  `format('EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(%L) AND inhparent = to_regclass(%L))', ${child}, ${parent})`;

/**
 * Tables, views, sequences, and their parts.
 * @param version of the server, such as 170004
 */
export const relations = (version: number): string[] => [
  branch({
    kind: `CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
      WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' END`,
    classid: "'pg_class'",
    objid: "c.oid",
    create: `CASE c.relkind
      WHEN 'v' THEN format(E'CREATE OR REPLACE VIEW %s%s AS\\n%s', ${FULL}, ${WITH}, rtrim(pg_get_viewdef(c.oid), ';'))
      WHEN 'm' THEN format(E'CREATE MATERIALIZED VIEW IF NOT EXISTS %s%s AS\\n%s%s', ${FULL}, ${WITH}, rtrim(pg_get_viewdef(c.oid), ';'),
        CASE WHEN NOT c.relispopulated THEN E'\\nWITH NO DATA' END)
      WHEN 'S' THEN CASE WHEN ${IDENTITY_OF} IS NULL THEN
        (SELECT format('CREATE SEQUENCE IF NOT EXISTS %s AS %s', ${FULL}, format_type(q.seqtypid, NULL)) FROM pg_sequence q WHERE q.seqrelid = c.oid) END
      WHEN 'f' THEN (SELECT format(E'CREATE FOREIGN TABLE IF NOT EXISTS %s (\\n%s\\n) SERVER %I%s', ${FULL}, ${COLUMNS}, s.srvname, ${FOREIGN_OPTIONS("f.ftoptions")})
        FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid)
      ELSE format(E'CREATE %sTABLE IF NOT EXISTS %s (\\n%s\\n)%s%s%s', CASE WHEN c.relpersistence = 'u' THEN 'UNLOGGED ' END, ${FULL}, ${COLUMNS},
        CASE WHEN c.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(c.oid) END,
        (SELECT ' USING ' || quote_ident(amname) FROM pg_am WHERE oid = c.relam AND amname <> 'heap'), ${WITH}) END`,
    drop: `CASE WHEN c.relkind <> 'S' OR ${IDENTITY_OF} IS NULL THEN format('DROP %s IF EXISTS %s', ${WORD}, ${FULL}) END`,
    // A table is made again only for another kind of table, as its rows would be lost.
    rebuild: `CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) WHEN 'f' THEN (SELECT ftserver::text FROM pg_foreign_table WHERE ftrelid = c.oid)
      WHEN 'v' THEN pg_get_viewdef(c.oid) || (SELECT string_agg(format('%s %s', attname, format_type(atttypid, atttypmod)), ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0)
      WHEN 'm' THEN pg_get_viewdef(c.oid)
      WHEN 'S' THEN CASE WHEN ${IDENTITY_OF} IS NULL THEN 'by itself' ELSE 'of an identity' END END`,
    parts: parts(
      {
        key: "12 logged",
        set: `CASE WHEN c.relkind = 'r' THEN format('ALTER TABLE %s SET %s', ${FULL}, CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE 'LOGGED' END) END`,
        plain: "true",
      },
      {
        key: "13 tablespace",
        set: `CASE WHEN c.relkind IN ('r', 'p', 'm') THEN format('ALTER %s %s SET TABLESPACE %I', ${WORD}, ${FULL}, coalesce((SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace), 'pg_default')) END`,
        plain: "c.reltablespace = 0",
      },
      {
        key: "14 access method",
        set: `CASE WHEN c.relkind IN ('r', 'm') THEN (SELECT format('ALTER %s %s SET ACCESS METHOD %I', ${WORD}, ${FULL}, amname) FROM pg_am WHERE oid = c.relam) END`,
        plain: "true",
      },
      {
        key: "15 of type",
        set: `CASE WHEN c.reloftype <> 0 THEN format('ALTER TABLE %s OF %s', ${FULL}, format_type(c.reloftype, NULL)) END`,
        unset: `format('ALTER TABLE IF EXISTS %s NOT OF', ${FULL})`,
      },
      listed(
        `'30 option ' || ${OPTION_NAME}`,
        `format('ALTER %s %s SET (%s)', ${WORD}, ${FULL}, ${OPTION})`,
        `format('ALTER %s IF EXISTS %s RESET (%I)', ${WORD}, ${FULL}, ${OPTION_NAME})`,
        "unnest(c.reloptions) o",
        { plain: "true" },
      ),
      listed(
        `'30 option toast.' || ${OPTION_NAME}`,
        `format('ALTER %s %s SET (toast.%s)', ${WORD}, ${FULL}, ${OPTION})`,
        `format('ALTER %s IF EXISTS %s RESET (toast.%I)', ${WORD}, ${FULL}, ${OPTION_NAME})`,
        "pg_class t CROSS JOIN unnest(t.reloptions) o WHERE t.oid = c.reltoastrelid",
      ),
      foreignOptions(
        `format('ALTER FOREIGN TABLE %s', ${FULL})`,
        "(SELECT ftoptions FROM pg_foreign_table WHERE ftrelid = c.oid)",
      ),
      listed(
        "'53 child of ' || i.inhparent::regclass::text",
        doWhere(
          `'NOT ' || ${INHERITS(FULL, "i.inhparent::regclass::text")}`,
          `CASE WHEN c.relispartition THEN format('ALTER TABLE ONLY %s ATTACH PARTITION %s %s', i.inhparent::regclass, ${FULL}, pg_get_expr(c.relpartbound, c.oid))
            ELSE format('ALTER TABLE %s INHERIT %s', ${FULL}, i.inhparent::regclass) END`,
        ),
        doWhere(
          INHERITS(FULL, "i.inhparent::regclass::text"),
          `CASE WHEN c.relispartition THEN format('ALTER TABLE ONLY %s DETACH PARTITION %s', i.inhparent::regclass, ${FULL})
            ELSE format('ALTER TABLE %s NO INHERIT %s', ${FULL}, i.inhparent::regclass) END`,
        ),
        "pg_inherits i WHERE i.inhrelid = c.oid",
        { replace: "true" },
      ),
      {
        key: "55 settings",
        set: `(SELECT format('ALTER SEQUENCE %s AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s %s', ${FULL}, format_type(q.seqtypid, NULL),
          q.seqincrement, q.seqmin, q.seqmax, q.seqstart, q.seqcache, CASE WHEN q.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END) FROM pg_sequence q WHERE q.seqrelid = c.oid)`,
      },
      {
        // A sequence that is made again belongs to its maker, and a column's sequence must belong to the table's owner first.
        key: "56 owned by",
        set: `CASE WHEN c.relkind = 'S' AND ${IDENTITY_OF} IS NULL THEN
          CASE WHEN ${SERVES("1")} IS NOT NULL AND pg_get_userbyid(c.relowner) <> current_user
               THEN format('ALTER SEQUENCE %s OWNER TO %I; ', ${FULL}, pg_get_userbyid(c.relowner)) ELSE '' END ||
          format('ALTER SEQUENCE %s OWNED BY %s', ${FULL}, coalesce(${SERVES("format('%s.%I', a.attrelid::regclass, a.attname)")}, 'NONE')) END`,
        plain: `${SERVES("1")} IS NULL`,
      },
      {
        // A sequence that is made again continues after the greatest existing value.
        key: "57 value",
        set: `CASE WHEN c.relkind = 'S' THEN ${SERVES(
          `format('SELECT setval(%L, max(%I)) FROM %s HAVING max(%I) IS NOT NULL', ${FULL}, a.attname, a.attrelid::regclass, a.attname)`,
        )} END`,
      },
      {
        key: "58 rows",
        set: `CASE WHEN c.relkind = 'm' THEN format('REFRESH MATERIALIZED VIEW %s%s', ${FULL}, CASE WHEN NOT c.relispopulated THEN ' WITH NO DATA' END) END`,
        plain: "true",
      },
      {
        // The triggers that enforce constraints can be switched off together with all others.
        key: "73 enforcing triggers",
        set: `CASE WHEN c.relkind IN ('r', 'p') THEN format('ALTER TABLE %s %s TRIGGER ALL', ${FULL},
          CASE WHEN EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgisinternal AND g.tgenabled = 'D') THEN 'DISABLE' ELSE 'ENABLE' END) END`,
        plain: "true",
      },
      {
        key: "61 row security",
        set: `CASE WHEN c.relkind IN ('r', 'p') THEN format('ALTER TABLE %s %s ROW LEVEL SECURITY', ${FULL}, CASE WHEN c.relrowsecurity THEN 'ENABLE' ELSE 'DISABLE' END) END`,
        plain: "NOT c.relrowsecurity",
      },
      {
        key: "62 row security of the owner",
        set: `CASE WHEN c.relkind IN ('r', 'p') THEN format('ALTER TABLE %s %s ROW LEVEL SECURITY', ${FULL}, CASE WHEN c.relforcerowsecurity THEN 'FORCE' ELSE 'NO FORCE' END) END`,
        plain: "NOT c.relforcerowsecurity",
      },
      {
        key: "70 replica identity",
        set: `CASE WHEN c.relkind IN ('r', 'p', 'm') THEN format('ALTER %s %s REPLICA IDENTITY %s', ${WORD}, ${FULL}, CASE c.relreplident WHEN 'n' THEN 'NOTHING' WHEN 'f' THEN 'FULL'
          WHEN 'i' THEN coalesce((SELECT 'USING INDEX ' || quote_ident(x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisreplident), 'DEFAULT')
          ELSE 'DEFAULT' END) END`,
        plain: "c.relreplident = 'd'",
      },
      {
        key: "71 clustered on",
        set: `CASE WHEN c.relkind IN ('r', 'm') THEN coalesce((SELECT format('ALTER %s %s CLUSTER ON %I', ${WORD}, ${FULL}, x.relname)
            FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisclustered),
          format('ALTER %s %s SET WITHOUT CLUSTER', ${WORD}, ${FULL})) END`,
        plain: "NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisclustered)",
      },
    ),
    owner: "c.relowner",
    aclKind: "CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END",
    acl: "coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", c.relowner))",
    aclOn: `format('%s %s', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, ${FULL})`,
    own: "c.relname",
    from: `${IN_SPACE} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')`,
  }),

  branch({
    kind: "'column'",
    classid: "'pg_class'",
    objid: "c.oid",
    subid: "a.attnum",
    parent: [
      "CASE c.relkind WHEN 'c' THEN 'pg_type' ELSE 'pg_class' END",
      "CASE c.relkind WHEN 'c' THEN c.reltype ELSE c.oid END",
      "0",
    ],
    // In a table with rows only a default can fill a column that must not be null.
    create: `CASE WHEN a.attislocal AND ${HOLDS_VALUES} THEN format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS %s', ${FULL}, ${columnText(
      `concat(CASE WHEN a.attgenerated = '' THEN ' DEFAULT ' || pg_get_expr(e.adbin, e.adrelid) END, ${
        version >= 180000
          ? "(SELECT format(' CONSTRAINT %I NOT NULL', k.conname) FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum])"
          : "CASE WHEN a.attnotnull THEN ' NOT NULL' END"
      })`,
    )})
      WHEN c.relkind = 'c' THEN ${unlessThere(`format('ALTER TYPE %s ADD ATTRIBUTE %s', ${FULL}, ${columnText("NULL")})`)} END`,
    drop: `CASE WHEN c.relkind IN ('v', 'm') OR a.attinhcount > 0 THEN NULL WHEN c.relkind = 'c' THEN format('ALTER TYPE %s DROP ATTRIBUTE IF EXISTS %I', ${FULL}, a.attname)
      ELSE format('ALTER TABLE IF EXISTS %s DROP COLUMN IF EXISTS %I', ${FULL}, a.attname) END`,
    rebuild: `CASE WHEN a.attgenerated = '' THEN 'holds values' ELSE format_type(a.atttypid, a.atttypmod) || a.attgenerated::text${
      version >= 170000 ? "" : " || pg_get_expr(e.adbin, e.adrelid)"
    } END`,
    parts: parts(
      {
        key: "01 type",
        set: `CASE WHEN ${OWN_TYPE} AND a.attgenerated = '' THEN format('ALTER %s %s %sALTER COLUMN %I TYPE %s%s', CASE c.relkind WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, ${FULL},
            CASE WHEN a.attidentity = '' THEN format('ALTER COLUMN %I DROP DEFAULT, ', a.attname) END, a.attname, format_type(a.atttypid, a.atttypmod),
            concat(CASE WHEN a.attcollation NOT IN (0, y.typcollation) THEN ' COLLATE ' || a.attcollation::regcollation::text END,
              CASE WHEN c.relkind <> 'f' THEN format(' USING %I::%s%s', a.attname, ${THROUGH_TEXT}, format_type(a.atttypid, a.atttypmod)) END))
          WHEN c.relkind = 'c' THEN format('ALTER TYPE %s ALTER ATTRIBUTE %I TYPE %s%s', ${FULL}, a.attname, format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attcollation NOT IN (0, y.typcollation) THEN ' COLLATE ' || a.attcollation::regcollation::text END) END`,
        plain: "true",
        is: "concat_ws(' ', format_type(a.atttypid, a.atttypmod), nullif(a.attcollation, y.typcollation)::regcollation)",
      },
      {
        key: "02 default",
        set: `CASE WHEN c.relkind <> 'c' AND c.relkind <> 'm' AND a.attgenerated = '' AND a.attidentity = '' THEN ${alterColumn("coalesce('SET DEFAULT ' || pg_get_expr(e.adbin, e.adrelid), 'DROP DEFAULT')")} END`,
        plain: "e.oid IS NULL",
      },
      {
        key: "02 expression",
        set: `CASE WHEN a.attgenerated <> '' AND ${version >= 170000} THEN ${alterColumn("format('SET EXPRESSION AS (%s)', pg_get_expr(e.adbin, e.adrelid))")} END`,
        plain: "true",
      },
      ...(version >= 180000
        ? []
        : [
            {
              key: "03 not null",
              set: `CASE WHEN ${OWN_TYPE} THEN ${alterColumn("CASE WHEN a.attnotnull THEN 'SET NOT NULL' ELSE 'DROP NOT NULL' END")} END`,
              plain: "NOT a.attnotnull",
            },
          ]),
      {
        key: "50 identity",
        set: `CASE WHEN c.relkind IN ('r', 'p') AND a.attidentity <> '' AND a.attinhcount = 0 THEN
          format(E'DO $undo$\\nBEGIN\\n  IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(%L) AND attname = %L AND attidentity <> '''') THEN\\n    %s;\\n  ELSE\\n    %s;\\n  END IF;\\nEND;\\n$undo$', ${FULL}, a.attname,
            ${alterColumn("'SET GENERATED ' || CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END")},
            ${alterColumn(`format('ADD GENERATED %s AS IDENTITY (SEQUENCE NAME %s)', CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END,
              (SELECT d.objid::regclass FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND (d.refobjid, d.refobjsubid) = (c.oid, a.attnum) AND d.classid = 'pg_class'::regclass AND d.deptype = 'i' LIMIT 1))`)}) END`,
        unset: `format('ALTER TABLE IF EXISTS %s ALTER COLUMN %I DROP IDENTITY IF EXISTS', ${FULL}, a.attname)`,
      },
      {
        key: "63 storage",
        set: `CASE WHEN c.relkind IN ('r', 'p', 'm') THEN ${alterColumn("'SET STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END")} END`,
        plain: "a.attstorage = y.typstorage",
      },
      {
        key: "64 compression",
        set: `CASE WHEN c.relkind IN ('r', 'p', 'm') THEN ${alterColumn("'SET COMPRESSION ' || CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' ELSE 'default' END")} END`,
        plain: "a.attcompression = ''",
      },
      {
        key: "65 statistics",
        set: `CASE WHEN c.relkind IN ('r', 'p', 'm', 'f') THEN ${alterColumn("format('SET STATISTICS %s', coalesce(a.attstattarget, -1))")} END`,
        plain: "coalesce(a.attstattarget, -1) = -1",
      },
      listed(
        `'66 option ' || ${OPTION_NAME}`,
        alterColumn(`format('SET (%s)', ${OPTION})`),
        alterColumn(`format('RESET (%I)', ${OPTION_NAME})`),
        "unnest(a.attoptions) o WHERE o NOT LIKE 'pg_attver=%'",
      ),
      foreignOptions(
        `format('ALTER FOREIGN TABLE %s ALTER COLUMN %I', ${FULL}, a.attname)`,
        "a.attfdwoptions",
      ),
    ),
    aclKind: "CASE WHEN c.relkind <> 'c' THEN 'c' END",
    acl: "a.attacl",
    aclOn: `'TABLE ' || ${FULL}`,
    aclColumn: "quote_ident(a.attname)",
    own: "a.attname",
    from: `${IN_SPACE} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
      WHERE c.relkind IN ('r', 'p', 'f', 'c', 'v', 'm')`,
  }),

  branch({
    kind: "'constraint'",
    classid: "'pg_constraint'",
    objid: "k.oid",
    parent: [
      "CASE WHEN k.conrelid = 0 THEN 'pg_type' ELSE 'pg_class' END",
      "CASE WHEN k.conrelid = 0 THEN k.contypid ELSE k.conrelid END",
      "0",
    ],
    create: `CASE
      WHEN k.conrelid = 0 THEN ${doWhere(
        "format('NOT EXISTS (SELECT FROM pg_constraint WHERE contypid = to_regtype(%L) AND conname = %L)', format_type(k.contypid, NULL), k.conname)",
        "format('ALTER DOMAIN %s ADD CONSTRAINT %I %s', format_type(k.contypid, NULL), k.conname, pg_get_constraintdef(k.oid))",
      )}
      WHEN k.conislocal OR k.contype IN ('p', 'u', 'x') THEN ${doWhere(
        "format('NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass(%L) AND conname = %L)', k.conrelid::regclass, k.conname)",
        "format('ALTER TABLE %s%s ADD CONSTRAINT %I %s', CASE WHEN k.contype IN ('p', 'u', 'x') AND t.relkind = 'p' THEN 'ONLY ' END, k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))",
      )} END`,
    drop: `CASE WHEN k.conrelid = 0 THEN format('ALTER DOMAIN %s DROP CONSTRAINT IF EXISTS %I', format_type(k.contypid, NULL), k.conname)
      WHEN k.conislocal AND k.coninhcount = 0 THEN format('ALTER TABLE IF EXISTS %s DROP CONSTRAINT IF EXISTS %I', k.conrelid::regclass, k.conname) END`,
    rebuild: "pg_get_constraintdef(k.oid)",
    own: "k.conname",
    from: "pg_constraint k JOIN space n ON n.oid = k.connamespace LEFT JOIN pg_class t ON t.oid = k.conrelid WHERE k.contype <> 't'",
  }),

  branch({
    kind: "'index'",
    classid: "'pg_class'",
    objid: "c.oid",
    parent: [
      "CASE WHEN k.oid IS NULL THEN 'pg_class' ELSE 'pg_constraint' END",
      "coalesce(k.oid, x.indrelid)",
      "0",
    ],
    create: `CASE WHEN k.oid IS NULL THEN regexp_replace(pg_get_indexdef(c.oid), '^CREATE( UNIQUE)? INDEX ', 'CREATE\\1 INDEX IF NOT EXISTS ') END`,
    drop: `CASE WHEN k.oid IS NULL AND NOT c.relispartition THEN format('DROP INDEX IF EXISTS %s', ${FULL}) END`,
    // An invalid index does not count; that of a partitioned table is invalid until each partition has one.
    rebuild: `CASE WHEN k.oid IS NULL THEN concat_ws(' ', pg_get_indexdef(c.oid),
      CASE WHEN c.relkind = 'i' AND NOT (x.indisvalid AND x.indisready) THEN 'invalid' END) END`,
    parts: parts(
      {
        key: "13 tablespace",
        set: `CASE WHEN c.relkind = 'i' THEN format('ALTER INDEX %s SET TABLESPACE %I', ${FULL}, coalesce((SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace), 'pg_default')) END`,
        plain: "c.reltablespace = 0",
      },
      {
        key: "54 attached",
        set: `(SELECT format('ALTER INDEX %s ATTACH PARTITION %s', i.inhparent::regclass, ${FULL}) FROM pg_inherits i WHERE i.inhrelid = c.oid)`,
      },
      listed(
        "'65 statistics ' || s.attnum",
        `format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', ${FULL}, s.attnum, s.attstattarget)`,
        `format('ALTER INDEX IF EXISTS %s ALTER COLUMN %s SET STATISTICS -1', ${FULL}, s.attnum)`,
        "pg_attribute s WHERE s.attrelid = c.oid AND s.attstattarget >= 0",
      ),
    ),
    own: "c.relname",
    from: `pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN space n ON n.oid = c.relnamespace
      LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_constraint'::regclass AND d.deptype = 'i'
      LEFT JOIN pg_constraint k ON k.oid = d.refobjid`,
  }),

  branch({
    kind: "'trigger'",
    classid: "'pg_trigger'",
    objid: "t.oid",
    parent: ["'pg_class'", "t.tgrelid", "0"],
    create: `CASE WHEN t.tgparentid = 0 THEN CASE WHEN t.tgconstraint = 0 THEN regexp_replace(pg_get_triggerdef(t.oid), '^CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER')
      ELSE format(E'DROP TRIGGER IF EXISTS %I ON %s;\\n%s', t.tgname, t.tgrelid::regclass, pg_get_triggerdef(t.oid)) END END`,
    drop: "CASE WHEN t.tgparentid = 0 THEN format('DROP TRIGGER IF EXISTS %I ON %s', t.tgname, t.tgrelid::regclass) END",
    rebuild: "pg_get_triggerdef(t.oid)",
    parts: parts({
      key: "74 fires",
      set: `format('ALTER TABLE %s %s TRIGGER %I', t.tgrelid::regclass, CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END, t.tgname)`,
      plain: "t.tgenabled = 'O'",
    }),
    own: "t.tgname",
    from: "pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN space n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal",
  }),

  branch({
    kind: "'rule'",
    classid: "'pg_rewrite'",
    objid: "r.oid",
    parent: ["'pg_class'", "r.ev_class", "0"],
    create: "regexp_replace(rtrim(pg_get_ruledef(r.oid), ';'), '^CREATE RULE', 'CREATE OR REPLACE RULE')",
    drop: "format('DROP RULE IF EXISTS %I ON %s', r.rulename, r.ev_class::regclass)",
    rebuild: "pg_get_ruledef(r.oid)",
    parts: parts({
      key: "74 fires",
      set: `format('ALTER TABLE %s %s RULE %I', r.ev_class::regclass, CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END, r.rulename)`,
      plain: "r.ev_enabled = 'O'",
    }),
    own: "r.rulename",
    from: "pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN space n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN'",
  }),

  branch({
    kind: "'policy'",
    classid: "'pg_policy'",
    objid: "p.oid",
    parent: ["'pg_class'", "p.polrelid", "0"],
    create: `format(E'DROP POLICY IF EXISTS %I ON %s;\\n%s', p.polname, p.polrelid::regclass, p.def)`,
    drop: "format('DROP POLICY IF EXISTS %I ON %s', p.polname, p.polrelid::regclass)",
    rebuild: "p.def",
    own: "p.polname",
    from: `(SELECT p.*, format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', p.polname, p.polrelid::regclass,
        CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
        CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
        (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END, ', ' ORDER BY role) FROM unnest(p.polroles) role),
        E'\\n  USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', E'\\n  WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') AS def
        FROM pg_policy p) p JOIN pg_class c ON c.oid = p.polrelid JOIN space n ON n.oid = c.relnamespace`,
  }),

  branch({
    kind: "'statistics'",
    classid: "'pg_statistic_ext'",
    objid: "s.oid",
    parent: ["'pg_class'", "s.stxrelid", "0"],
    create:
      "regexp_replace(pg_get_statisticsobjdef(s.oid), '^CREATE STATISTICS ', 'CREATE STATISTICS IF NOT EXISTS ')",
    drop: "format('DROP STATISTICS IF EXISTS %I.%I', n.nspname, s.stxname)",
    rebuild: "pg_get_statisticsobjdef(s.oid)",
    parts: parts({
      key: "65 statistics",
      set: "format('ALTER STATISTICS %I.%I SET STATISTICS %s', n.nspname, s.stxname, coalesce(s.stxstattarget, -1))",
      plain: "coalesce(s.stxstattarget, -1) = -1",
    }),
    owner: "s.stxowner",
    own: "s.stxname",
    from: "pg_statistic_ext s JOIN space n ON n.oid = s.stxnamespace",
  }),
];
