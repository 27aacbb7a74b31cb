import { FIRES, GRANTS_OF, LINES, SORTED, WHEN } from "./catalog-relations.ts";

const NO_GRANTS = `NULL::"char", NULL::aclitem[]`;
/** SQL expression: the columns of a catalog row without those that only hold this server's OIDs. */
const rest = (row: string, ...without: string[]) =>
  `(to_jsonb(${row}) - ARRAY[${["oid", ...without].map((name) => `'${name}'`).join(", ")}])::text`;

/** Everything other than relations, routines and types. */
export const STANDALONE = [
  `SELECT 'schema', 'pg_namespace'::regclass::oid, n.oid, 0, n.nspowner, 'n'::"char", n.nspacl, NULL::text
   FROM pg_namespace n JOIN space ON space.oid = n.oid`,

  // The extension's members are added to it, one line each.
  `SELECT 'extension', 'pg_extension'::regclass::oid, e.oid, 0, e.extowner, ${NO_GRANTS},
    ${LINES("'version: ' || e.extversion", "'schema: ' || e.extnamespace::regnamespace::text")}
   FROM pg_extension e`,

  `SELECT 'default privileges', 'pg_default_acl'::regclass::oid, d.oid, 0, NULL::oid, NULL::"char", d.defaclacl, NULL
   FROM pg_default_acl d WHERE d.defaclnamespace = 0 OR d.defaclnamespace IN (SELECT oid FROM space)`,

  `SELECT 'event trigger', 'pg_event_trigger'::regclass::oid, t.oid, 0, t.evtowner, ${NO_GRANTS}, ${LINES(
    "'event: ' || t.evtevent",
    `'tags: ' || ${SORTED("t.evttags")}`,
    "'function: ' || t.evtfoid::regprocedure::text",
    FIRES("t.evtenabled"),
  )}
   FROM pg_event_trigger t`,

  `SELECT 'publication', 'pg_publication'::regclass::oid, p.oid, 0, p.pubowner, ${NO_GRANTS}, ${LINES(
    rest("p", "pubname", "pubowner"),
    `(SELECT string_agg(line, chr(10) ORDER BY line COLLATE "C") FROM (
        SELECT concat_ws(' ', 'table: ' || r.prrelid::regclass::text,
          '(' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname) FROM pg_attribute a
                   WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)) || ')',
          'where ' || pg_get_expr(r.prqual, r.prrelid)) AS line
        FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid JOIN space ON space.oid = c.relnamespace
        WHERE r.prpubid = p.oid) tables)`,
    `(SELECT string_agg('schema: ' || nspname, chr(10) ORDER BY nspname COLLATE "C")
        FROM pg_publication_namespace s JOIN space ON space.oid = s.pnnspid WHERE s.pnpubid = p.oid)`,
  )}
   FROM pg_publication p`,

  `SELECT 'foreign-data wrapper', 'pg_foreign_data_wrapper'::regclass::oid, w.oid, 0, w.fdwowner, 'F'::"char", w.fdwacl,
    ${LINES(
      "'handler: ' || nullif(w.fdwhandler, 0)::regprocedure::text",
      "'validator: ' || nullif(w.fdwvalidator, 0)::regprocedure::text",
      `'options: ' || ${SORTED("w.fdwoptions")}`,
    )}
   FROM pg_foreign_data_wrapper w`,

  `SELECT 'foreign server', 'pg_foreign_server'::regclass::oid, s.oid, 0, s.srvowner, 'S'::"char", s.srvacl, ${LINES(
    "'wrapper: ' || (SELECT fdwname FROM pg_foreign_data_wrapper WHERE oid = s.srvfdw)",
    "'type: ' || s.srvtype",
    "'version: ' || s.srvversion",
    `'options: ' || ${SORTED("s.srvoptions")}`,
  )}
   FROM pg_foreign_server s`,

  `SELECT 'language', 'pg_language'::regclass::oid, l.oid, 0, l.lanowner, 'l'::"char", l.lanacl, ${LINES(
    WHEN("l.lanpltrusted", "'trusted'"),
    "'handler: ' || nullif(l.lanplcallfoid, 0)::regprocedure::text",
    "'inline: ' || nullif(l.laninline, 0)::regprocedure::text",
    "'validator: ' || nullif(l.lanvalidator, 0)::regprocedure::text",
  )}
   FROM pg_language l WHERE l.oid >= 16384 OR l.oid IN (SELECT objid FROM member WHERE classid = 'pg_language'::regclass)`,

  `SELECT 'access method', 'pg_am'::regclass::oid, m.oid, 0, NULL::oid, ${NO_GRANTS},
    ${LINES("'kind: ' || m.amtype::text", "'handler: ' || m.amhandler::regprocedure::text")}
   FROM pg_am m WHERE m.oid >= 16384`,

  `SELECT 'transform', 'pg_transform'::regclass::oid, t.oid, 0, NULL::oid, ${NO_GRANTS}, ${LINES(
    "'from SQL: ' || nullif(t.trffromsql, 0)::regprocedure::text",
    "'to SQL: ' || nullif(t.trftosql, 0)::regprocedure::text",
  )}
   FROM pg_transform t WHERE t.oid >= 16384`,

  // The collation version that the operating system's library reports belongs to the server, so it is left out.
  `SELECT 'collation', 'pg_collation'::regclass::oid, c.oid, 0, c.collowner, ${NO_GRANTS},
    ${rest("c", "collname", "collnamespace", "collowner", "collversion")}
   FROM pg_collation c JOIN space ON space.oid = c.collnamespace`,

  `SELECT 'conversion', 'pg_conversion'::regclass::oid, c.oid, 0, c.conowner, ${NO_GRANTS},
    ${LINES(
      "pg_encoding_to_char(c.conforencoding) || ' to ' || pg_encoding_to_char(c.contoencoding)",
      "'function: ' || c.conproc::regprocedure::text",
      WHEN("c.condefault", "'default'"),
    )}
   FROM pg_conversion c JOIN space ON space.oid = c.connamespace`,

  `SELECT 'text search configuration', 'pg_ts_config'::regclass::oid, t.oid, 0, t.cfgowner, ${NO_GRANTS}, ${LINES(
    "'parser: ' || (pg_identify_object('pg_ts_parser'::regclass, t.cfgparser, 0)).identity",
    `(SELECT string_agg(format('token %s: %s', maptokentype, mapdict::regdictionary), chr(10)
             ORDER BY maptokentype, mapseqno) FROM pg_ts_config_map WHERE mapcfg = t.oid)`,
  )}
   FROM pg_ts_config t JOIN space ON space.oid = t.cfgnamespace`,

  `SELECT 'text search dictionary', 'pg_ts_dict'::regclass::oid, t.oid, 0, t.dictowner, ${NO_GRANTS}, ${LINES(
    "'template: ' || (pg_identify_object('pg_ts_template'::regclass, t.dicttemplate, 0)).identity",
    "'options: ' || t.dictinitoption",
  )}
   FROM pg_ts_dict t JOIN space ON space.oid = t.dictnamespace`,

  `SELECT 'text search parser', 'pg_ts_parser'::regclass::oid, t.oid, 0, NULL::oid, ${NO_GRANTS},
    concat_ws(' ', t.prsstart, t.prstoken, t.prsend, t.prsheadline, t.prslextype)
   FROM pg_ts_parser t JOIN space ON space.oid = t.prsnamespace`,

  `SELECT 'text search template', 'pg_ts_template'::regclass::oid, t.oid, 0, NULL::oid, ${NO_GRANTS},
    concat_ws(' ', t.tmplinit, t.tmpllexize)
   FROM pg_ts_template t JOIN space ON space.oid = t.tmplnamespace`,
];

// initdb records its own grants on its objects in pg_catalog, but not on those in information_schema.
const GIVEN_TO_PUBLIC = (schema: string, owner: string, privilege: string) =>
  `CASE WHEN ${schema} = 'information_schema'::regnamespace THEN ARRAY[makeaclitem(0, ${owner}, '${privilege}', false)] ELSE '{}' END`;

// Grants added since on members of extensions and on the system's own objects.
const CHANGED_PRIVILEGES = `
SELECT 'privileges on ' || i.type, i.identity, ${GRANTS_OF("o.acl")}
FROM (
  SELECT 'pg_class'::regclass::oid AS classid, oid AS objid, 0 AS subid, relnamespace AS home, relacl AS acl,
         acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)
           || ${GIVEN_TO_PUBLIC("relnamespace", "relowner", "SELECT")} AS initially FROM pg_class
  UNION ALL
  SELECT 'pg_class'::regclass, a.attrelid, a.attnum, c.relnamespace, a.attacl, NULL
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
  UNION ALL
  SELECT 'pg_proc'::regclass, oid, 0, pronamespace, proacl, acldefault('f', proowner) FROM pg_proc
  UNION ALL
  SELECT 'pg_type'::regclass, oid, 0, typnamespace, typacl, acldefault('T', typowner) FROM pg_type
  UNION ALL
  SELECT 'pg_namespace'::regclass, oid, 0, oid, nspacl, acldefault('n', nspowner) || ${GIVEN_TO_PUBLIC("oid", "nspowner", "USAGE")} FROM pg_namespace
  UNION ALL
  SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, NULL, fdwacl, acldefault('F', fdwowner) FROM pg_foreign_data_wrapper
  UNION ALL
  SELECT 'pg_foreign_server'::regclass, oid, 0, NULL, srvacl, acldefault('S', srvowner) FROM pg_foreign_server
  UNION ALL
  SELECT 'pg_language'::regclass, oid, 0, 'pg_catalog'::regnamespace, lanacl, acldefault('l', lanowner) FROM pg_language
   WHERE oid < 16384 OR oid IN (SELECT objid FROM member WHERE classid = 'pg_language'::regclass)
) o
LEFT JOIN pg_init_privs p ON (p.classoid, p.objoid, p.objsubid) = (o.classid, o.objid, o.subid)
CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, o.subid) i
WHERE o.acl IS NOT NULL
  AND (o.home IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
       OR EXISTS (SELECT FROM member m WHERE (m.classid, m.objid) = (o.classid, o.objid)))
  -- Cheap, and for most objects all there is to see; the same grants may stand in another order.
  AND o.acl IS DISTINCT FROM coalesce(p.initprivs, o.initially)
  AND ${GRANTS_OF("o.acl")} IS DISTINCT FROM ${GRANTS_OF("coalesce(p.initprivs, o.initially)")}`;

/** Complete branches: (kind, name, definition). */
export const WHOLE_DATABASE = [
  `SELECT 'user mapping', concat_ws(' on server ', quote_ident(usename), quote_ident(srvname)), '' FROM pg_user_mappings`,

  CHANGED_PRIVILEGES,
];
