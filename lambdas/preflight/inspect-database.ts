import { withMembers } from "../fence/access.ts";
import { applicationRoles } from "../shared/places.ts";
import type { CompiledPlan, Extension } from "../shared/plan.ts";
import type { Ports, PreflightCheck } from "../shared/ports.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { IS_UNLOGGED } from "../shared/user-objects.ts";
import { inspectConnections } from "./inspect-sessions.ts";
import { inspectVersion } from "./inspect-version.ts";
import { inspected } from "./inspected.ts";

/** Most sessions that one check lists. */
const MOST_NAMED = 5;

/** Compares the server and the database with what the plan needs. */
export async function inspectDatabase(session: Session, ports: Ports): Promise<PreflightCheck[]> {
  const { plan } = ports;
  return [
    ...(await inspected("server version", () => serverVersion(session, plan.server.minimumVersion))),
    ...(await inspected("connections", () => inspectConnections(session, ports))),
    ...(await inspected("schema version", () => inspectVersion(session, plan))),
    ...(await inspected("extensions", () => extensions(session, plan.extensions))),
    ...(await inspected("protected tables", () =>
      tablesThere(session, "protected tables", "protect", plan.protect),
    )),
    ...(Object.keys(plan.contents).length === 0
      ? []
      : await inspected("tables not read in full", () => contentsThere(session, plan.contents))),
    ...(await inspected("invalid indexes", () => invalidIndexes(session))),
    ...(await inspected("long transactions", () => longTransactions(session))),
    ...(await inspected("prepared transactions", () => preparedTransactions(session))),
    ...(await inspected("active sessions", () => activeSessions(session, applicationRoles(ports)))),
  ];
}

async function serverVersion(session: Session, minimum: number): Promise<PreflightCheck> {
  const row = await requireRow<{ number: number; text: string }>(
    session,
    "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS text",
  );
  return {
    name: "server version",
    passed: Math.floor(row.number / 10_000) >= minimum,
    expected: `PostgreSQL ${minimum} or newer`,
    seen: row.text,
    mend: "Upgrade the instance first.",
  };
}

async function extensions(session: Session, wanted: readonly Extension[]): Promise<PreflightCheck[]> {
  const rows = await session.query<{ name: string; installed: string | null; available: string | null }>(
    `SELECT name, installed_version AS installed, default_version AS available
       FROM pg_available_extensions WHERE name = ANY($1)`,
    [wanted.map((extension) => extension.name)],
  );
  return wanted.map(({ name, minimumVersion, recommendedVersion, optional }) => {
    const row = rows.find((candidate) => candidate.name === name);
    const version = row?.installed ?? row?.available ?? null;
    const better = recommendedVersion === undefined ? "" : `, better ${recommendedVersion}`;
    const found =
      version !== null && (minimumVersion === undefined || compareVersions(version, minimumVersion) >= 0);
    const expected = minimumVersion === undefined ? "available" : `${minimumVersion} or newer${better}`;
    return {
      name: `extension ${name}`,
      // The plan works without an optional one: the approvers decide at the gate whether that is acceptable.
      passed: found || (optional ? null : false),
      expected: optional ? `${expected}; this plan works without it` : expected,
      seen:
        version === null
          ? "not available on this server"
          : `${version} ${row?.installed ? "installed" : "available"}`,
      mend:
        version === null
          ? "Use a server that provides it."
          : `ALTER EXTENSION ${name} UPDATE, or use a newer server.`,
    };
  });
}

/** Compares two versions part by part as numbers: negative if `a` is older, 0 if equal, positive if newer. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split("."), b.split(".")];
  for (let part = 0; part < Math.max(left.length, right.length); part++) {
    const difference =
      (Number.parseInt(left[part] ?? "0", 10) || 0) - (Number.parseInt(right[part] ?? "0", 10) || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @param key of the plan that names the tables */
async function tablesThere(
  session: Session,
  name: string,
  key: string,
  tables: readonly string[],
): Promise<PreflightCheck> {
  const missing: string[] = [];
  for (const table of tables) {
    const row = await requireRow<{ name: string | null }>(session, "SELECT to_regclass($1)::text AS name", [
      table,
    ]);
    if (!row.name) missing.push(table);
  }
  return {
    name,
    passed: missing.length === 0,
    expected: `${tables.length} tables`,
    seen: missing.length === 0 ? "all present" : `missing: ${missing.join(", ")}`,
    mend: `Check that this is the right database, or correct \`${key}\` in the plan.`,
  };
}

/**
 * Checks that the tables and views under `contents` exist, and that each can be read in the way that the plan
 * requests.
 */
async function contentsThere(session: Session, contents: CompiledPlan["contents"]): Promise<PreflightCheck> {
  const names = Object.keys(contents);
  const check = await tablesThere(session, "tables not read in full", "contents", names);
  if (!check.passed) return check;
  const wrong: string[] = [];
  for (const name of names) {
    const { kind, unlogged } = await requireRow<{ kind: string; unlogged: boolean }>(
      session,
      `SELECT c.relkind::text AS kind, ${IS_UNLOGGED("c.oid")} AS unlogged FROM pg_class c WHERE c.oid = to_regclass($1)`,
      [name],
    );
    if (contents[name] === "none" && kind !== "m" && !unlogged)
      wrong.push(`${name}: is set to none, but is neither a materialized view nor an unlogged table`);
    else if (contents[name] === "grows" && kind !== "r" && kind !== "p")
      wrong.push(`${name}: is set to grows, but is not a table`);
    else if (!["r", "p", "m"].includes(kind)) wrong.push(`${name}: neither a table nor a materialized view`);
  }
  if (wrong.length === 0) return check;
  return {
    ...check,
    passed: false,
    seen: wrong.join("; "),
    mend: "Correct `contents` in the plan: only a materialized view and an unlogged table can be left out, and only a table can grow.",
  };
}

async function invalidIndexes(session: Session): Promise<PreflightCheck> {
  const rows = await session.query<{ name: string }>(
    // An index of a partitioned table made with ON ONLY stays invalid on purpose until each partition has its part.
    `SELECT indexrelid::regclass::text AS name FROM pg_index JOIN pg_class c ON c.oid = indexrelid
      WHERE NOT indisvalid AND c.relkind = 'i' ORDER BY 1`,
  );
  return {
    name: "invalid indexes",
    passed: rows.length === 0,
    expected: "none",
    seen: rows.length === 0 ? "none" : rows.map((row) => row.name).join(", "),
    mend: "REINDEX INDEX CONCURRENTLY or drop them: a copy would have them valid, and would differ.",
  };
}

async function longTransactions(session: Session): Promise<PreflightCheck> {
  const rows = await session.query<{ pid: number; who: string | null; minutes: number }>(
    `SELECT pid, usename AS who, (extract(epoch FROM now() - xact_start) / 60)::int AS minutes
       FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < now() - interval '10 minutes'
      ORDER BY xact_start LIMIT 5`,
  );
  return {
    name: "long transactions",
    passed: rows.length === 0,
    expected: "none older than 10 minutes",
    seen:
      rows.length === 0 ? "none" : rows.map((r) => `pid ${r.pid} of ${r.who}, ${r.minutes} min`).join("; "),
    mend: "End them: they would delay index builds and lock waits.",
  };
}

async function preparedTransactions(session: Session): Promise<PreflightCheck> {
  const rows = await session.query<{ gid: string }>(
    "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared LIMIT 5",
  );
  return {
    name: "prepared transactions",
    passed: rows.length === 0,
    expected: "none",
    seen: rows.length === 0 ? "none" : rows.map((row) => row.gid).join(", "),
    mend: "COMMIT PREPARED or ROLLBACK PREPARED them: they hold locks without a session, and the fence does not end them.",
  };
}

/**
 * Finds sessions that belong neither to the application, whose sessions the fence ends, nor to the migrating role.
 * The fence does not keep these out. Another check fails if they may write; the rest are only reported.
 */
async function activeSessions(session: Session, application: readonly string[]): Promise<PreflightCheck> {
  // Without pg_read_all_stats the server hides the type of other roles' sessions.
  const rows = await session.query<{ role: string; program: string; count: number }>(
    `SELECT usename AS role, coalesce(application_name, '') AS program, count(*)::int AS count
       FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename IS NOT NULL
        AND coalesce(backend_type, 'client backend') = 'client backend'
        AND usename <> ALL ($1) AND usename NOT IN (current_user, session_user)
      GROUP BY 1, 2 ORDER BY count DESC, role, program`,
    [await withMembers(session, application)],
  );
  const named = rows
    .slice(0, MOST_NAMED)
    .map(({ role, program, count }) => `${count} of ${role}${program === "" ? "" : ` (${program})`}`);
  const others = rows.slice(MOST_NAMED).reduce((sum, { count }) => sum + count, 0);
  return {
    name: "active sessions",
    passed: rows.length === 0 ? true : null,
    expected: "only those of the application and the migrating role",
    seen: rows.length === 0 ? "no others" : [...named, ...(others > 0 ? [`${others} more`] : [])].join(", "),
    mend: "The fence does not keep them out: end them, or name their roles in `applicationRoles`.",
  };
}
