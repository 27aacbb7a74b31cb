import type { Session } from "../../lambdas/shared/session.ts";

/** Settings that are lists of quoted names. As one literal they would become one wrong name; as in pg_dump. */
const LISTS = [
  "local_preload_libraries",
  "search_path",
  "session_preload_libraries",
  "shared_preload_libraries",
  "temp_tablespaces",
  "unix_socket_directories",
];

/** Copies what a database has beside its contents: access list, settings, connection limit and comment. */
export async function copyDatabaseSettings(session: Session, from: string, to: string): Promise<void> {
  const statements = await session.query<{ sql: string }>(
    `SELECT CASE WHEN s.setrole = 0 THEN format('ALTER DATABASE %I SET %s = %s', $2::text, name, literal)
                 ELSE format('ALTER ROLE %I IN DATABASE %I SET %s = %s', pg_get_userbyid(s.setrole), $2::text, name, literal) END AS sql
       FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
            CROSS JOIN unnest(s.setconfig) AS item
            CROSS JOIN LATERAL (SELECT split_part(item, '=', 1) AS name, substring(item FROM position('=' IN item) + 1) AS value) AS pair
            CROSS JOIN LATERAL (SELECT CASE WHEN lower(name) = ANY ($3) THEN coalesce(
              (SELECT string_agg(quote_literal(coalesce(replace(part[1], '""', '"'), part[2])), ', ' ORDER BY place)
                 FROM regexp_matches(value, '"((?:[^"]|"")*)"|([^",[:space:]]+)', 'g') WITH ORDINALITY AS parts (part, place)),
              quote_literal(value)) ELSE quote_literal(value) END AS literal) AS setting
      WHERE d.datname = $1
     UNION ALL
     SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', $2::text, datconnlimit)
       FROM pg_database WHERE datname = $1 AND datconnlimit >= 0
     UNION ALL
     SELECT format('COMMENT ON DATABASE %I IS %L', $2::text, shobj_description(oid, 'pg_database'))
       FROM pg_database WHERE datname = $1 AND shobj_description(oid, 'pg_database') IS NOT NULL
     UNION ALL
     SELECT format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, $2::text,
                   CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                   CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
       FROM pg_database d CROSS JOIN aclexplode(d.datacl) a
      WHERE d.datname = $1 AND a.grantee <> d.datdba`,
    [from, to, LISTS],
  );
  const [revoke] = await session.query<{ sql: string }>(
    "SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', $2::text) AS sql FROM pg_database WHERE datname = $1 AND datacl IS NOT NULL",
    [from, to],
  );
  for (const { sql } of [...(revoke ? [revoke] : []), ...statements]) await session.exec(sql);
}
