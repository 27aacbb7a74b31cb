import {
  branch,
  FOREIGN_OPTIONS,
  foreignOptions,
  granted,
  listed,
  OBJECT_RIGHT,
  OPTION_NAME,
  parts,
  RIGHT,
  unlessThere,
  whereThere,
} from "./describe-sql.ts";

const identity = (catalog: string, oid: string) =>
  `(pg_identify_object('${catalog}'::regclass, ${oid}, 0)).identity`;

const FDW = `format('FOREIGN DATA WRAPPER %I%s%s', w.fdwname, coalesce(' HANDLER ' || nullif(w.fdwhandler, 0)::regproc::text, ' NO HANDLER'),
  coalesce(' VALIDATOR ' || nullif(w.fdwvalidator, 0)::regproc::text, ' NO VALIDATOR'))`;

const COLLATION = (version: number) =>
  `format('CREATE COLLATION IF NOT EXISTS %I.%I (%s)', n.nspname, c.collname, concat_ws(', ',
    'provider = ' || CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' WHEN 'c' THEN 'libc' END,
    'deterministic = ' || c.collisdeterministic,
    'locale = ' || quote_literal(coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale')),
    'lc_collate = ' || quote_literal(c.collcollate), 'lc_ctype = ' || quote_literal(c.collctype)${
      version >= 160000 ? ", 'rules = ' || quote_literal(c.collicurules)" : ""
    }))`;

const MAPPED = `(SELECT string_agg(format(E'ALTER TEXT SEARCH CONFIGURATION %I.%I ADD MAPPING FOR %s WITH %s', n.nspname, t.cfgname, alias, dictionaries), E';\\n' ORDER BY alias)
  FROM (SELECT k.alias, string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno) AS dictionaries
          FROM pg_ts_config_map m JOIN ts_token_type(t.cfgparser) k ON k.tokid = m.maptokentype WHERE m.mapcfg = t.oid GROUP BY k.alias) mapped)`;
const CONFIGURATION = `concat_ws(E';\\n', format('CREATE TEXT SEARCH CONFIGURATION %I.%I (PARSER = %s)', n.nspname, t.cfgname, ${identity("pg_ts_parser", "t.cfgparser")}), ${MAPPED})`;

/** SQL expression: a statement about this database, for which {database} stands, as its name differs between copies. */
const HERE = (statement: string) =>
  `format(E'DO $undo$\\nBEGIN\\n  EXECUTE replace(%L, ''{database}'', quote_ident(current_database()));\\nEND;\\n$undo$', ${statement})`;

// A list is stored in the form in which it must be written.
const SETTING_VALUE = `CASE WHEN ${OPTION_NAME} IN ('search_path', 'temp_tablespaces', 'session_preload_libraries', 'local_preload_libraries')
  THEN substr(o, strpos(o, '=') + 1) ELSE quote_literal(substr(o, strpos(o, '=') + 1)) END`;
const SETTING = (
  what: string,
) => `CASE WHEN s.setrole = 0 AND s.setdatabase = 0 THEN format('ALTER ROLE ALL %s', ${what})
  WHEN s.setrole = 0 THEN ${HERE(`'ALTER DATABASE {database} ' || ${what}`)}
  WHEN s.setdatabase = 0 THEN format('ALTER ROLE %I %s', pg_get_userbyid(s.setrole), ${what})
  ELSE ${HERE(`format('ALTER ROLE %I IN DATABASE {database} %s', pg_get_userbyid(s.setrole), ${what})`)} END`;

// For members of extensions and for the system's own objects, only later changes of rights are described.
const SYSTEM = `(SELECT o.classid, o.objid, o.subid, o.home, o.acl, coalesce(p.initprivs, o.by_default) AS initially, o.acl_on, o.acl_column FROM (
    SELECT 'pg_proc'::regclass::oid AS classid, oid AS objid, 0 AS subid, pronamespace AS home, proacl AS acl, acldefault('f', proowner) AS by_default, 'ROUTINE ' || oid::regprocedure AS acl_on, NULL AS acl_column FROM pg_proc
    UNION ALL
    SELECT 'pg_class'::regclass::oid, c.oid, 0, relnamespace, relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner), format('%s %s', CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass), NULL FROM pg_class c
    UNION ALL
    SELECT 'pg_class'::regclass::oid, c.oid, a.attnum, c.relnamespace, a.attacl, NULL, 'TABLE ' || c.oid::regclass, quote_ident(a.attname) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
    UNION ALL
    SELECT 'pg_type'::regclass::oid, oid, 0, typnamespace, typacl, acldefault('T', typowner), 'TYPE ' || format_type(oid, NULL), NULL FROM pg_type
  ) o LEFT JOIN pg_init_privs p ON (p.classoid, p.objoid, p.objsubid) = (o.classid, o.objid, o.subid)
  WHERE o.acl IS NOT NULL AND o.acl IS DISTINCT FROM coalesce(p.initprivs, o.by_default)
    AND (o.home = 'pg_catalog'::regnamespace OR EXISTS (SELECT FROM pg_depend m WHERE m.deptype = 'e' AND (m.classid, m.objid) = (o.classid, o.objid)))) o`;

/** Kinds of objects in ALTER DEFAULT PRIVILEGES. */
const DEFAULT_OBJECTS = `CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END`;
const DEFAULT_FOR = `format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s', pg_get_userbyid(d.defaclrole), ' IN SCHEMA ' || quote_ident(n.nspname))`;
const DEFAULT_ACL =
  "CASE WHEN d.defaclnamespace = 0 THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END::\"char\", d.defaclrole) END";
const DEFAULT_RIGHT = granted(DEFAULT_OBJECTS, { lead: `${DEFAULT_FOR} || ' '` });

const PARAMETER_RIGHT = granted("'PARAMETER ' || p.parname");
const DATABASE_RIGHT = granted("'DATABASE {database}'");

const ATTRIBUTES = [
  ["rolinherit", "INHERIT"],
  ["rolcreaterole", "CREATEROLE"],
  ["rolcreatedb", "CREATEDB"],
  ["rolcanlogin", "LOGIN"],
  ["rolsuper", "SUPERUSER"],
  ["rolbypassrls", "BYPASSRLS"],
  ["rolreplication", "REPLICATION"],
] as const;

/** Everything that is no relation, routine or type. @param version of the server, such as 170004 */
export const standalone = (version: number): string[] => [
  branch({
    kind: "'schema'",
    classid: "'pg_namespace'",
    objid: "n.oid",
    create: "format('CREATE SCHEMA IF NOT EXISTS %I', n.nspname)",
    drop: "format('DROP SCHEMA IF EXISTS %I', n.nspname)",
    owner: "n.nspowner",
    aclKind: "'n'",
    acl: "coalesce(n.nspacl, acldefault('n', n.nspowner))",
    aclOn: "format('SCHEMA %I', n.nspname)",
    own: "n.nspname",
    from: "pg_namespace n WHERE n.oid IN (SELECT oid FROM space)",
  }),
  branch({
    kind: "'extension'",
    classid: "'pg_extension'",
    objid: "e.oid",
    create:
      "format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I VERSION %L', e.extname, e.extnamespace::regnamespace, e.extversion)",
    drop: "format('DROP EXTENSION IF EXISTS %I', e.extname)",
    parts: parts(
      {
        key: "05 version",
        set: "format('ALTER EXTENSION %I UPDATE TO %L', e.extname, e.extversion)",
        plain: "true",
      },
      {
        key: "06 schema",
        set: "CASE WHEN e.extrelocatable THEN format('ALTER EXTENSION %I SET SCHEMA %s', e.extname, e.extnamespace::regnamespace) END",
        plain: "true",
      },
    ),
    from: "pg_extension e",
  }),
  branch({
    kind: "'default privileges'",
    classid: "'pg_default_acl'",
    objid: "d.oid",
    parts: parts(
      listed(RIGHT, DEFAULT_RIGHT.give, DEFAULT_RIGHT.take, "aclexplode(d.defaclacl)"),
      listed(
        RIGHT,
        DEFAULT_RIGHT.take,
        DEFAULT_RIGHT.give,
        `(SELECT * FROM aclexplode(${DEFAULT_ACL}) EXCEPT SELECT * FROM aclexplode(d.defaclacl)) lacking`,
      ),
    ),
    from: "pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace WHERE d.defaclnamespace = 0 OR d.defaclnamespace IN (SELECT oid FROM space)",
  }),
  branch({
    kind: "'event trigger'",
    classid: "'pg_event_trigger'",
    objid: "t.oid",
    create: "format(E'DROP EVENT TRIGGER IF EXISTS %I;\\n%s', t.evtname, t.def)",
    drop: "format('DROP EVENT TRIGGER IF EXISTS %I', t.evtname)",
    rebuild: "t.def",
    parts: parts({
      key: "74 fires",
      set: "format('ALTER EVENT TRIGGER %I %s', t.evtname, CASE t.evtenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END)",
      plain: "t.evtenabled = 'O'",
    }),
    owner: "t.evtowner",
    own: "t.evtname",
    from: `(SELECT t.*, format('CREATE EVENT TRIGGER %I ON %s%s EXECUTE FUNCTION %s()', t.evtname, t.evtevent,
      (SELECT ' WHEN TAG IN (' || string_agg(quote_literal(tag), ', ' ORDER BY tag) || ')' FROM unnest(t.evttags) tag), t.evtfoid::regproc) AS def FROM pg_event_trigger t) t`,
  }),
  branch({
    kind: "'publication'",
    classid: "'pg_publication'",
    objid: "p.oid",
    create: unlessThere(
      "format('CREATE PUBLICATION %I%s', p.pubname, CASE WHEN p.puballtables THEN ' FOR ALL TABLES' END)",
    ),
    drop: "format('DROP PUBLICATION IF EXISTS %I', p.pubname)",
    rebuild: "p.puballtables::text",
    parts: parts(
      {
        key: "55 settings",
        set: `format('ALTER PUBLICATION %I SET (publish = %L, publish_via_partition_root = %s%s)', p.pubname, concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END,
          CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END), CASE WHEN p.pubviaroot THEN 'true' ELSE 'false' END,
          CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN ', publish_generated_columns = stored' WHEN 'n' THEN ', publish_generated_columns = none' END)`,
      },
      listed(
        "'56 table ' || r.prrelid::regclass::text",
        unlessThere(
          `format('ALTER PUBLICATION %I ADD TABLE %s%s%s', p.pubname, r.prrelid::regclass,
            (SELECT ' (' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')' FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)),
            ' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')')`,
        ),
        whereThere("format('ALTER PUBLICATION %I DROP TABLE %s', p.pubname, r.prrelid::regclass)"),
        "pg_publication_rel r WHERE r.prpubid = p.oid",
        { replace: "true" },
      ),
      listed(
        "'56 schema ' || s.pnnspid",
        unlessThere(
          "format('ALTER PUBLICATION %I ADD TABLES IN SCHEMA %s', p.pubname, s.pnnspid::regnamespace)",
        ),
        whereThere(
          "format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA %s', p.pubname, s.pnnspid::regnamespace)",
        ),
        "pg_publication_namespace s WHERE s.pnpubid = p.oid",
      ),
    ),
    owner: "p.pubowner",
    own: "p.pubname",
    from: "pg_publication p",
  }),
  branch({
    kind: "'foreign-data wrapper'",
    classid: "'pg_foreign_data_wrapper'",
    objid: "w.oid",
    create: unlessThere(`'CREATE ' || ${FDW}`),
    drop: "format('DROP FOREIGN DATA WRAPPER IF EXISTS %I', w.fdwname)",
    parts: parts(
      { key: "05 definition", set: `'ALTER ' || ${FDW}`, plain: "true" },
      // CREATE above leaves options out, so these parts set them.
      foreignOptions("format('ALTER FOREIGN DATA WRAPPER %I', w.fdwname)", "w.fdwoptions").replace(
        "(true)::bool",
        "false",
      ),
    ),
    owner: "w.fdwowner",
    aclKind: "'F'",
    acl: "coalesce(w.fdwacl, acldefault('F', w.fdwowner))",
    aclOn: "format('FOREIGN DATA WRAPPER %I', w.fdwname)",
    own: "w.fdwname",
    from: "pg_foreign_data_wrapper w",
  }),
  branch({
    kind: "'foreign server'",
    classid: "'pg_foreign_server'",
    objid: "s.oid",
    create: `format('CREATE SERVER IF NOT EXISTS %I%s%s FOREIGN DATA WRAPPER %I%s', s.srvname, ' TYPE ' || quote_literal(s.srvtype), ' VERSION ' || quote_literal(s.srvversion), w.fdwname, ${FOREIGN_OPTIONS("s.srvoptions")})`,
    drop: "format('DROP SERVER IF EXISTS %I', s.srvname)",
    parts: parts(
      {
        key: "05 version",
        set: "format('ALTER SERVER %I VERSION %L', s.srvname, s.srvversion)",
        plain: "true",
      },
      foreignOptions("format('ALTER SERVER %I', s.srvname)", "s.srvoptions"),
    ),
    owner: "s.srvowner",
    aclKind: "'S'",
    acl: "coalesce(s.srvacl, acldefault('S', s.srvowner))",
    aclOn: "format('FOREIGN SERVER %I', s.srvname)",
    own: "s.srvname",
    from: "pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw",
  }),
  // Its options may have a password, which must not be shown. So only its addition can be undone.
  branch({
    kind: "'user mapping'",
    classid: "'pg_foreign_server'",
    objid: "m.srvid",
    subid: "m.umuser::bigint % 2147483647",
    drop: "format('DROP USER MAPPING IF EXISTS FOR %s SERVER %I', CASE m.umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(m.usename) END, m.srvname)",
    parent: ["'pg_foreign_server'", "m.srvid", "0"],
    from: "pg_user_mappings m",
  }),
  branch({
    kind: "'language'",
    classid: "'pg_language'",
    objid: "l.oid",
    create: `format('CREATE OR REPLACE %sLANGUAGE %I HANDLER %s%s%s', CASE WHEN l.lanpltrusted THEN 'TRUSTED ' END, l.lanname, l.lanplcallfoid::regproc,
      ' INLINE ' || nullif(l.laninline, 0)::regproc::text, ' VALIDATOR ' || nullif(l.lanvalidator, 0)::regproc::text)`,
    drop: "format('DROP LANGUAGE IF EXISTS %I', l.lanname)",
    owner: "l.lanowner",
    aclKind: "'l'",
    acl: "coalesce(l.lanacl, acldefault('l', l.lanowner))",
    aclOn: "format('LANGUAGE %I', l.lanname)",
    own: "l.lanname",
    from: "pg_language l WHERE l.oid >= 16384",
  }),
  branch({
    kind: "'access method'",
    classid: "'pg_am'",
    objid: "m.oid",
    create: unlessThere(
      "format('CREATE ACCESS METHOD %I TYPE %s HANDLER %s', m.amname, CASE m.amtype WHEN 't' THEN 'TABLE' ELSE 'INDEX' END, m.amhandler)",
    ),
    drop: "format('DROP ACCESS METHOD IF EXISTS %I', m.amname)",
    from: "pg_am m WHERE m.oid >= 16384",
  }),
  branch({
    kind: "'transform'",
    classid: "'pg_transform'",
    objid: "t.oid",
    create: `format('CREATE OR REPLACE TRANSFORM FOR %s LANGUAGE %I (%s)', format_type(t.trftype, NULL), l.lanname, concat_ws(', ',
      'FROM SQL WITH FUNCTION ' || nullif(t.trffromsql, 0)::regprocedure::text, 'TO SQL WITH FUNCTION ' || nullif(t.trftosql, 0)::regprocedure::text))`,
    drop: "format('DROP TRANSFORM IF EXISTS FOR %s LANGUAGE %I', format_type(t.trftype, NULL), l.lanname)",
    rebuild: "concat_ws(' ', t.trffromsql::regprocedure, t.trftosql::regprocedure)",
    from: "pg_transform t JOIN pg_language l ON l.oid = t.trflang WHERE t.oid >= 16384",
  }),
  branch({
    kind: "'collation'",
    classid: "'pg_collation'",
    objid: "c.oid",
    create: COLLATION(version),
    drop: "format('DROP COLLATION IF EXISTS %I.%I', n.nspname, c.collname)",
    rebuild: COLLATION(version),
    owner: "c.collowner",
    own: "c.collname",
    from: "pg_collation c JOIN space n ON n.oid = c.collnamespace",
  }),
  branch({
    kind: "'conversion'",
    classid: "'pg_conversion'",
    objid: "c.oid",
    create: unlessThere(
      "format('CREATE %sCONVERSION %I.%I FOR %L TO %L FROM %s', CASE WHEN c.condefault THEN 'DEFAULT ' END, n.nspname, c.conname, pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc::regproc)",
    ),
    drop: "format('DROP CONVERSION IF EXISTS %I.%I', n.nspname, c.conname)",
    owner: "c.conowner",
    own: "c.conname",
    from: "pg_conversion c JOIN space n ON n.oid = c.connamespace",
  }),
  branch({
    kind: "'text search configuration'",
    classid: "'pg_ts_config'",
    objid: "t.oid",
    create: unlessThere(CONFIGURATION),
    drop: "format('DROP TEXT SEARCH CONFIGURATION IF EXISTS %I.%I', n.nspname, t.cfgname)",
    rebuild: CONFIGURATION,
    owner: "t.cfgowner",
    own: "t.cfgname",
    from: "pg_ts_config t JOIN space n ON n.oid = t.cfgnamespace",
  }),
  branch({
    kind: "'text search dictionary'",
    classid: "'pg_ts_dict'",
    objid: "t.oid",
    create: unlessThere(
      `format('CREATE TEXT SEARCH DICTIONARY %I.%I (TEMPLATE = %s%s)', n.nspname, t.dictname, ${identity("pg_ts_template", "t.dicttemplate")}, ', ' || t.dictinitoption)`,
    ),
    drop: "format('DROP TEXT SEARCH DICTIONARY IF EXISTS %I.%I', n.nspname, t.dictname)",
    rebuild: "concat_ws(' ', t.dicttemplate, t.dictinitoption)",
    owner: "t.dictowner",
    own: "t.dictname",
    from: "pg_ts_dict t JOIN space n ON n.oid = t.dictnamespace",
  }),
  branch({
    kind: "'text search parser'",
    classid: "'pg_ts_parser'",
    objid: "t.oid",
    drop: "format('DROP TEXT SEARCH PARSER IF EXISTS %I.%I', n.nspname, t.prsname)",
    own: "t.prsname",
    from: "pg_ts_parser t JOIN space n ON n.oid = t.prsnamespace",
  }),
  branch({
    kind: "'text search template'",
    classid: "'pg_ts_template'",
    objid: "t.oid",
    drop: "format('DROP TEXT SEARCH TEMPLATE IF EXISTS %I.%I', n.nspname, t.tmplname)",
    own: "t.tmplname",
    from: "pg_ts_template t JOIN space n ON n.oid = t.tmplnamespace",
  }),

  // == Of the server ========================================================================================
  branch({
    kind: "'role'",
    classid: "'pg_authid'",
    objid: "r.oid",
    create: unlessThere("format('CREATE ROLE %I', r.rolname)"),
    drop: "format('DROP ROLE IF EXISTS %I', r.rolname)",
    parts: parts(
      // One part each, as only a superuser may set some of them, even to the value they have.
      ...ATTRIBUTES.map(([column, word]) => ({
        key: `55 ${word}`,
        set: `format('ALTER ROLE %I %s', r.rolname, CASE WHEN r.${column} THEN '${word}' ELSE 'NO${word}' END)`,
        plain: column === "rolinherit" ? "r.rolinherit" : `NOT r.${column}`,
      })),
      {
        key: "55 limit",
        set: "format('ALTER ROLE %I CONNECTION LIMIT %s', r.rolname, r.rolconnlimit)",
        plain: "r.rolconnlimit = -1",
      },
      {
        key: "55 valid until",
        set: "format('ALTER ROLE %I VALID UNTIL %L', r.rolname, coalesce(r.rolvaliduntil::text, 'infinity'))",
        plain: "r.rolvaliduntil IS NULL",
      },
      listed(
        "'57 member of ' || m.roleid || m.admin_option || m.grantor",
        "format('GRANT %I TO %I%s', pg_get_userbyid(m.roleid), r.rolname, CASE WHEN m.admin_option THEN ' WITH ADMIN OPTION' END)",
        "format('REVOKE %I FROM %I', pg_get_userbyid(m.roleid), r.rolname)",
        "pg_auth_members m WHERE m.member = r.oid",
      ),
      {
        key: "60 comment",
        set: "format('COMMENT ON ROLE %I IS %s', r.rolname, coalesce(quote_literal(shobj_description(r.oid, 'pg_authid')), 'NULL'))",
        plain: "shobj_description(r.oid, 'pg_authid') IS NULL",
      },
    ),
    own: "r.rolname",
    from: "pg_roles r WHERE r.rolname !~ '^(pg_|rds)'",
  }),
  branch({
    kind: "'settings'",
    classid: "'pg_db_role_setting'",
    objid: "0",
    parts: parts(
      listed(
        "'80 ' || s.setrole || ' ' || s.setdatabase || ' ' || split_part(o, '=', 1)",
        SETTING(`format('SET %s TO %s', ${OPTION_NAME}, ${SETTING_VALUE})`),
        SETTING(`format('RESET %s', ${OPTION_NAME})`),
        "pg_db_role_setting s CROSS JOIN unnest(s.setconfig) o WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))",
      ),
    ),
    from: "(SELECT 1) one",
  }),
  branch({
    kind: "'privileges'",
    classid: "o.classid",
    objid: "o.objid",
    subid: "o.subid",
    parts: parts(
      listed(
        RIGHT,
        OBJECT_RIGHT.give,
        whereThere(OBJECT_RIGHT.take),
        "(SELECT * FROM aclexplode(o.acl) EXCEPT SELECT * FROM aclexplode(o.initially)) given",
      ),
      listed(
        RIGHT,
        OBJECT_RIGHT.take,
        whereThere(OBJECT_RIGHT.give),
        "(SELECT * FROM aclexplode(o.initially) EXCEPT SELECT * FROM aclexplode(o.acl)) lacking",
      ),
    ),
    from: SYSTEM,
  }),
  branch({
    kind: "'parameter'",
    classid: "'pg_parameter_acl'",
    objid: "p.oid",
    parts: parts(listed(RIGHT, PARAMETER_RIGHT.give, PARAMETER_RIGHT.take, "aclexplode(p.paracl)")),
    from: "pg_parameter_acl p",
  }),
  branch({
    kind: "'tablespace'",
    classid: "'pg_tablespace'",
    objid: "t.oid",
    parts: parts({
      key: "60 comment",
      set: "format('COMMENT ON TABLESPACE %I IS %s', t.spcname, coalesce(quote_literal(shobj_description(t.oid, 'pg_tablespace')), 'NULL'))",
    }),
    from: "pg_tablespace t",
  }),
  branch({
    kind: "'database'",
    classid: "'pg_database'",
    objid: "d.oid",
    parts: parts(
      {
        key: "51 owner",
        set: HERE("format('ALTER DATABASE {database} OWNER TO %I', pg_get_userbyid(d.datdba))"),
      },
      {
        key: "55 limit",
        set: HERE("format('ALTER DATABASE {database} CONNECTION LIMIT %s', d.datconnlimit)"),
      },
      {
        key: "60 comment",
        set: HERE(
          "format('COMMENT ON DATABASE {database} IS %s', coalesce(quote_literal(shobj_description(d.oid, 'pg_database')), 'NULL'))",
        ),
      },
      listed(
        RIGHT,
        HERE(DATABASE_RIGHT.give),
        HERE(DATABASE_RIGHT.take),
        "aclexplode((SELECT datacl FROM pg_database WHERE datname = current_database())) WHERE privilege_type NOT IN ('CONNECT', 'TEMPORARY')",
      ),
    ),
    from: "pg_database d WHERE d.datname = current_database()",
  }),
];
