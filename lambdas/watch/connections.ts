import type { Session } from "../shared/session.ts";

export interface Connections {
  /** Sessions of clients on the whole server. */
  used: number;
  /** Those of the given roles. */
  usedByRoles: number;
  /** The limit for ordinary roles: connections reserved for superusers are left out. */
  most: number;
  /** Limits of the given roles that are lower than the server's or the database's. */
  limits: { role: string; most: number }[];
}

/**
 * Reads how many sessions clients have and may have on this database. Without pg_read_all_stats the server hides the
 * type of other roles' sessions: those on a database then count as clients.
 */
export async function readConnections(session: Session, roles: readonly string[]): Promise<Connections> {
  const [row] = await session.query<Connections>(
    `WITH client AS (
       SELECT usename FROM pg_stat_activity
        WHERE coalesce(backend_type, CASE WHEN datid IS NOT NULL THEN 'client backend' END) = 'client backend'),
     allowed AS (
       SELECT least(
                current_setting('max_connections')::int
                  - current_setting('superuser_reserved_connections')::int
                  - coalesce(current_setting('reserved_connections', true)::int, 0),
                nullif(d.datconnlimit, -1)) AS most
         FROM pg_database d WHERE d.datname = current_database())
     SELECT (SELECT count(*)::int FROM client) AS used,
            (SELECT count(*)::int FROM client WHERE usename = ANY ($1)) AS "usedByRoles",
            allowed.most,
            coalesce((SELECT json_agg(json_build_object('role', r.rolname, 'most', r.rolconnlimit) ORDER BY r.rolname)
                        FROM pg_roles r
                       WHERE r.rolname = ANY ($1) AND r.rolconnlimit BETWEEN 0 AND allowed.most - 1), '[]') AS limits
       FROM allowed`,
    [roles],
  );
  if (!row) throw new Error("The server did not report its connections");
  return row;
}

/** Share of the possible sessions, in percent. */
export function utilization({ used, most }: Pick<Connections, "used" | "most">): number {
  return most === 0 ? 100 : (used / most) * 100;
}
