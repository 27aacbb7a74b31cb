/** SQL expression: the grants of an aclitem[] expression, one line for each grantee and grantor. */
export const GRANTS_OF = (acl: string) => `(
  SELECT string_agg(format('granted to %s by %s: %s', grantee, grantor, privileges), chr(10)
                    ORDER BY grantee COLLATE "C", grantor COLLATE "C")
  FROM (
    SELECT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END AS grantee,
           quote_ident(pg_get_userbyid(g.grantor)) AS grantor,
           string_agg(g.privilege_type || CASE WHEN g.is_grantable THEN ' with grant option' ELSE '' END, ', '
                      ORDER BY g.privilege_type COLLATE "C", g.is_grantable) AS privileges
    FROM aclexplode(${acl}) g GROUP BY g.grantee, g.grantor
  ) of_grantee)`;

/** SQL expression: the elements of a text[] expression, sorted; NULL if there are none. */
export const SORTED = (array: string) =>
  `(SELECT string_agg(element, ', ' ORDER BY element COLLATE "C") FROM unnest(${array}) element)`;

/** SQL expression: `label` if the condition holds, otherwise NULL (which concat_ws leaves out). */
export const WHEN = (condition: string, label: string) => `CASE WHEN ${condition} THEN ${label} END`;

/** SQL expression: the lines of a definition without those that are NULL. */
export const LINES = (...lines: string[]) => `concat_ws(chr(10), ${lines.join(",\n    ")})`;

/** SQL expression: when a trigger, a rule or an event trigger fires. */
export const FIRES = (column: string) => `CASE ${column}
    WHEN 'D' THEN 'fires: never (disabled)' WHEN 'R' THEN 'fires: on a replica' WHEN 'A' THEN 'fires: always' END`;

const RELATION_KIND = `CASE c.relkind
    WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
    WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' END`;

const PERSISTENCE = WHEN("c.relpersistence = 'u'", "'unlogged'");
const OPTIONS = `'options: ' || ${SORTED("c.reloptions")}`;
const TABLESPACE = `'tablespace: ' || (SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace)`;

const PARENTS = `(SELECT string_agg('child of: ' || inhparent::regclass::text
      || CASE WHEN inhdetachpending THEN ' (being detached)' ELSE '' END, chr(10) ORDER BY inhseqno)
      FROM pg_inherits WHERE inhrelid = c.oid)`;

// Constraints that the catalog implements as internal triggers can be disabled together with these.
const ENFORCEMENT = `(SELECT 'enforcing triggers: ' || string_agg(tgrelid::regclass::text || ' '
      || CASE tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'on a replica' ELSE 'always' END, ', '
      ORDER BY tgrelid::regclass::text COLLATE "C", tgtype, tgenabled)
      FROM pg_trigger WHERE tgconstraint = k.oid AND tgisinternal AND tgenabled <> 'O')`;

/** Tables, views and sequences, with the objects that belong to them. */
export const RELATIONS = [
  `SELECT ${RELATION_KIND}, 'pg_class'::regclass::oid, c.oid, 0, c.relowner,
    CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relacl, ${LINES(
      PERSISTENCE,
      `'access method: ' || (SELECT amname FROM pg_am WHERE oid = c.relam AND amname <> 'heap')`,
      TABLESPACE,
      WHEN("c.relrowsecurity", "'row level security: enabled'"),
      WHEN("c.relforcerowsecurity", "'row level security: forced on the owner'"),
      OPTIONS,
      `'toast options: ' || (SELECT ${SORTED("t.reloptions")} FROM pg_class t WHERE t.oid = c.reltoastrelid)`,
      `CASE WHEN c.relkind IN ('r', 'p', 'm') THEN CASE c.relreplident WHEN 'n' THEN 'replica identity: nothing' WHEN 'f' THEN 'replica identity: full'
         WHEN 'i' THEN 'replica identity: an index' END END`,
      `'of type: ' || format_type(nullif(c.reloftype, 0), NULL)`,
      `'partitioned by: ' || ${WHEN("c.relkind = 'p'", "pg_get_partkeydef(c.oid)")}`,
      PARENTS,
      `'partition: ' || pg_get_expr(c.relpartbound, c.oid)`,
      WHEN("c.relkind = 'm' AND NOT c.relispopulated", "'not populated'"),
      `(SELECT format('foreign server: %s%s', s.srvname, ' options: ' || ${SORTED("f.ftoptions")})
         FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid)`,
      `(SELECT format('type: %s%sstart: %s%sincrement: %s%sminimum: %s%smaximum: %s%scache: %s%s%s',
           format_type(q.seqtypid, NULL), chr(10), q.seqstart, chr(10), q.seqincrement, chr(10), q.seqmin, chr(10),
           q.seqmax, chr(10), q.seqcache, chr(10), CASE WHEN q.seqcycle THEN 'cycles' ELSE 'does not cycle' END)
         FROM pg_sequence q WHERE q.seqrelid = c.oid)`,
      `(SELECT CASE d.deptype WHEN 'i' THEN 'identity of: ' ELSE 'owned by: ' END
           || (pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid)).identity
         FROM pg_depend d WHERE c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid
          AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i'))`,
      WHEN("c.relkind IN ('v', 'm')", "pg_get_viewdef(c.oid)"),
    )}
   FROM pg_class c JOIN space ON space.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')`,

  // attnum also counts dropped columns, so the position is counted among the living ones. difference.ts decides which
  // positions matter, and reads this line.
  `SELECT 'column', 'pg_class'::regclass::oid, a.attrelid, a.attnum::int, NULL::oid, 'c'::"char", a.attacl, ${LINES(
    "'position: ' || a.place",
    "'type: ' || format_type(a.atttypid, a.atttypmod)",
    `'collation: ' || ${WHEN("a.attcollation NOT IN (0, y.typcollation)", "a.attcollation::regcollation::text")}`,
    WHEN("a.attnotnull", "'not null'"),
    `CASE a.attgenerated WHEN 's' THEN 'generated, stored: ' WHEN 'v' THEN 'generated, virtual: ' ELSE 'default: ' END
       || pg_get_expr(e.adbin, e.adrelid)`,
    "CASE a.attidentity WHEN 'a' THEN 'identity: always' WHEN 'd' THEN 'identity: by default' END",
    "'storage: ' || CASE WHEN a.attstorage <> y.typstorage THEN a.attstorage::text END",
    "'compression: ' || CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END",
    // -1 before PostgreSQL 17 and NULL since then both mean the default.
    "'statistics target: ' || nullif(a.attstattarget, -1)",
    // PostgreSQL 17.12 stamps every column with the time its relation was made; that is physical.
    `'options: ' || ${SORTED("array(SELECT o FROM unnest(a.attoptions) AS o WHERE o NOT LIKE 'pg_attver=%')")}`,
    `'foreign options: ' || ${SORTED("a.attfdwoptions")}`,
    WHEN(
      "a.attinhcount > 0",
      "'inherited from parents: ' || a.attinhcount || CASE WHEN a.attislocal THEN ' (and local)' ELSE '' END",
    ),
  )}
   FROM (SELECT a.*, row_number() OVER (PARTITION BY attrelid ORDER BY attnum) AS place
           FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN space ON space.oid = c.relnamespace
          WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')) a
   JOIN pg_type y ON y.oid = a.atttypid
   LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum`,

  // Since PostgreSQL 18 this holds NOT NULL constraints too; before, only the column shows them.
  `SELECT 'constraint', 'pg_constraint'::regclass::oid, k.oid, 0, NULL::oid, NULL::"char", NULL::aclitem[], ${LINES(
    "pg_get_constraintdef(k.oid)",
    WHEN("NOT k.convalidated", "'not validated'"),
    WHEN("NOT k.conislocal", "'not local'"),
    "'inherited from parents: ' || nullif(k.coninhcount, 0)",
    "'index: ' || nullif(k.conindid, 0)::regclass::text",
    ENFORCEMENT,
  )}
   FROM pg_constraint k JOIN space ON space.oid = k.connamespace`,

  `SELECT 'index', 'pg_class'::regclass::oid, c.oid, 0, NULL::oid, NULL::"char", NULL::aclitem[], ${LINES(
    "pg_get_indexdef(c.oid)",
    WHEN("x.indisprimary", "'primary key'"),
    WHEN("NOT x.indimmediate", "'checked at commit'"),
    WHEN("NOT x.indisvalid", "'invalid'"),
    WHEN("NOT x.indisready", "'not ready for writes'"),
    WHEN("NOT x.indislive", "'being dropped'"),
    WHEN("x.indisclustered", "'clustered'"),
    WHEN("x.indisreplident", "'replica identity'"),
    TABLESPACE,
    PARENTS,
    `(SELECT 'statistics targets: ' || string_agg(attnum || ' = ' || attstattarget, ', ' ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = c.oid AND attstattarget >= 0)`,
  )}
   FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN space ON space.oid = c.relnamespace`,

  // A constraint's own triggers are internal: the constraint represents them.
  `SELECT 'trigger', 'pg_trigger'::regclass::oid, t.oid, 0, NULL::oid, NULL::"char", NULL::aclitem[], ${LINES(
    "pg_get_triggerdef(t.oid)",
    FIRES("t.tgenabled"),
    WHEN("t.tgparentid <> 0", "'comes from the parent table'"),
  )}
   FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN space ON space.oid = c.relnamespace
   WHERE NOT t.tgisinternal`,

  `SELECT 'rule', 'pg_rewrite'::regclass::oid, r.oid, 0, NULL::oid, NULL::"char", NULL::aclitem[],
    ${LINES("pg_get_ruledef(r.oid)", FIRES("r.ev_enabled"))}
   FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN space ON space.oid = c.relnamespace
   WHERE r.rulename <> '_RETURN'`,

  `SELECT 'policy', 'pg_policy'::regclass::oid, p.oid, 0, NULL::oid, NULL::"char", NULL::aclitem[], ${LINES(
    "CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END",
    `'for: ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
       WHEN 'd' THEN 'DELETE' ELSE 'ALL' END`,
    `'to: ' || (SELECT string_agg(name, ', ' ORDER BY name COLLATE "C") FROM (
        SELECT CASE role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END AS name
        FROM unnest(p.polroles) role) named)`,
    "'using: ' || pg_get_expr(p.polqual, p.polrelid)",
    "'with check: ' || pg_get_expr(p.polwithcheck, p.polrelid)",
  )}
   FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN space ON space.oid = c.relnamespace`,

  `SELECT 'statistics', 'pg_statistic_ext'::regclass::oid, s.oid, 0, s.stxowner, NULL::"char", NULL::aclitem[], ${LINES(
    // The server keeps the columns in the table's order, which changes when a column is dropped and comes back.
    `'of: ' || (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname) FROM pg_attribute
                WHERE attrelid = s.stxrelid AND attnum = ANY (s.stxkeys))`,
    `'of: ' || ${SORTED("pg_get_statisticsobjdef_expressions(s.oid)")}`,
    "'from: ' || s.stxrelid::regclass::text",
    `'kinds: ' || ${SORTED("s.stxkind::text[]")}`,
    "'statistics target: ' || nullif(s.stxstattarget, -1)",
  )}
   FROM pg_statistic_ext s JOIN space ON space.oid = s.stxnamespace`,
];
