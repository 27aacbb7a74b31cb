import { END_THEM, looseInWords, looseRoles, looseSessions, withMembers } from "../fence/access.ts";
import { applicationRoles } from "../shared/places.ts";
import type { Ports, PreflightCheck } from "../shared/ports.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { nameInSql } from "../shared/text.ts";
import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";
import { whoIsKeptOut } from "./find-roles.ts";
import { inspected, none, note, problem } from "./inspected.ts";

interface RoleRow {
  role: string;
  missing: boolean;
  superuser: boolean;
  bypass: boolean;
  owns: string[];
  ownsDatabase: boolean;
  /** Roles that own tables or the database and whose rights it has. */
  owners: string[];
  /** Superusers and roles with BYPASSRLS that it may become. */
  powers: string[];
  settable: boolean;
}

/**
 * The fence and row-level security hold only for roles that own nothing and bypass nothing, neither themselves nor
 * through membership in another role. Checks can run only as a role that the migrating role may become.
 */
export async function inspectRoles(session: Session, ports: Ports): Promise<PreflightCheck[]> {
  const application = applicationRoles(ports);
  const { runAs } = ports.plan;
  return [
    ...(await inspected("database owner", () => databaseOwner(session))),
    ...(await inspected(LOGIN, () => login(session, application, runAs))),
    ...whoIsKeptOut(ports),
    ...(
      await inspected("application roles", () => roles(session, application, takesOnRoles(ports), runAs))
    ).map((check) =>
      ports.plan.findRoles && check.passed === false
        ? { ...check, mend: `${check.mend} ${ONLY_FOUND}` }
        : check,
    ),
    ...(ports.settings.fence === "connect"
      ? [
          ...(await inspected("roles that no fence keeps out", () => unfenced(session, application))),
          ...(await inspected(LOOSE, () => loose(session, application))),
        ]
      : []),
  ];
}

/** Added to the check of a role that preflight found and that is unfit. */
const ONLY_FOUND =
  "Preflight found this role because the plan names none. If the application connects as another role, name that one in `applicationRoles`.";

const LOGIN = "login";
const LOOSE = "sessions that no fence keeps out";

/**
 * The role that Sluice logs in as and the role that runs the steps. A fence cannot keep out one session of a role and
 * admit another.
 */
async function login(
  session: Session,
  application: readonly string[],
  runAs: string | undefined,
): Promise<PreflightCheck> {
  const { me, superuser, there, may } = await requireRow<{
    me: string;
    superuser: boolean;
    there: boolean;
    may: boolean;
  }>(
    session,
    `SELECT me.rolname AS me, me.rolsuper AS superuser, r.oid IS NOT NULL AS there,
            coalesce(pg_has_role(me.oid, r.oid, 'USAGE') AND pg_has_role(me.oid, r.oid,
              CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END), false) AS may
       FROM pg_roles me LEFT JOIN pg_roles r ON r.rolname = $1 WHERE me.rolname = session_user`,
    [runAs ?? null],
  );
  const name = nameInSql(me);
  const check = {
    name: LOGIN,
    expected: `a role of Sluice's own, separate from the application's login${runAs === undefined ? "" : `, and that may run as ${runAs}`}`,
  };
  if (application.includes(me)) {
    const role = runAs ?? me;
    return {
      ...check,
      passed: false,
      seen: `${me}, also the application's login: no fence can distinguish the application's sessions from Sluice's`,
      mend: `Give Sluice a login of its own: CREATE ROLE sluice LOGIN CREATEDB PASSWORD '...'; GRANT ${nameInSql(role)}, pg_signal_backend, pg_read_all_stats TO sluice; and write \`runAs: ${role}\` in the plan. If ${me} is RDS's master user, give the application a login of its own instead. See docs/plan-format.md, One login for all.`,
    };
  }
  if (runAs !== undefined && !there)
    return {
      ...check,
      passed: false,
      seen: `role ${runAs} does not exist`,
      mend: "Correct `runAs` in the plan.",
    };
  if (runAs !== undefined && !may)
    return {
      ...check,
      passed: false,
      seen: `${me}, which lacks the rights of ${runAs}, or may not become that role`,
      mend: `GRANT ${nameInSql(runAs)} TO ${name}; on PostgreSQL 16 and newer WITH INHERIT TRUE, SET TRUE.`,
    };
  return { ...check, passed: true, seen: superuser ? `${me}, a superuser` : me, mend: "" };
}

/**
 * Finds sessions that may write now and could still write behind the fence: for example an application that logs in
 * as an unnamed role.
 */
async function loose(session: Session, application: readonly string[]): Promise<PreflightCheck> {
  const found = looseInWords(await looseSessions(session, await withMembers(session, application)));
  const expected = "none that may write";
  return found.length === 0 ? none(LOOSE, expected) : problem(LOOSE, expected, found, END_THEM);
}

async function unfenced(session: Session, names: readonly string[]): Promise<PreflightCheck> {
  const name = "roles that no fence keeps out";
  const found = await looseRoles(session, await withMembers(session, names));
  if (found.length === 0) return none(name);
  return note(
    name,
    "none that may log in and write",
    found,
    "They keep CONNECT behind the fence, by name or as members of the database's owner. If the application connects as one of them, name it in `applicationRoles`. Make sure that nobody works as one of the others from the fence to the opening: their writes end the run, or a restore loses them.",
  );
}

async function databaseOwner(session: Session): Promise<PreflightCheck> {
  const owner = await requireRow<{ owns: boolean; name: string; me: string }>(
    session,
    `SELECT pg_has_role(current_user, datdba, 'USAGE') AS owns, datname AS name, current_user AS me
       FROM pg_database WHERE datname = current_database()`,
  );
  return {
    name: "database owner",
    passed: owner.owns,
    expected: `${owner.me} owns ${owner.name}`,
    seen: owner.owns ? "it does" : "it does not",
    mend: "The fence revokes CONNECT, which only the database's owner may do: connect as the owner, or as a member that inherits the owner's rights.",
  };
}

/** Whether checks or benchmarks run as application roles. Found roles need no other membership. */
function takesOnRoles({ plan }: Ports): boolean {
  const checks = plan.migrations.flatMap(({ validate }) => validate.checks);
  return (
    !plan.findRoles ||
    checks.some(({ as }) => as !== undefined) ||
    plan.benchmarks.some(({ as }) => as !== undefined)
  );
}

async function roles(
  session: Session,
  names: readonly string[],
  takenOn: boolean,
  runAs: string | undefined,
): Promise<PreflightCheck[]> {
  // Ownership counts through inheritance; bypassing needs SET ROLE to the other role. A superuser counts as a member
  // of every role, so its memberships are not listed.
  const rows = await session.query<RoleRow>(
    `WITH owned AS (
       SELECT c.oid, c.relname, c.relowner
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND ${IS_USERS_SCHEMA("n.nspname")}),
     owners AS (
       SELECT relowner AS oid FROM owned
        UNION SELECT datdba FROM pg_database WHERE datname = current_database())
     SELECT wanted.role,
            r.oid IS NULL AS missing,
            coalesce(r.rolsuper, false) AS superuser,
            coalesce(r.rolbypassrls, false) AS bypass,
            coalesce((SELECT array_agg(o.oid::regclass::text ORDER BY o.relname)
                        FROM owned o WHERE o.relowner = r.oid), '{}')::text[] AS owns,
            EXISTS (SELECT FROM pg_database WHERE datname = current_database() AND datdba = r.oid) AS "ownsDatabase",
            coalesce((SELECT array_agg(other.rolname ORDER BY other.rolname)
                        FROM pg_roles other JOIN owners USING (oid)
                       WHERE other.oid <> r.oid AND NOT r.rolsuper AND pg_has_role(r.oid, other.oid, 'USAGE')),
                     '{}')::text[] AS owners,
            coalesce((SELECT array_agg(other.rolname ORDER BY other.rolname)
                        FROM pg_roles other
                       WHERE other.oid <> r.oid AND NOT r.rolsuper AND (other.rolsuper OR other.rolbypassrls)
                         AND pg_has_role(r.oid, other.oid, 'MEMBER')), '{}')::text[] AS powers,
            r.oid IS NOT NULL AND pg_has_role(current_user, r.oid,
              CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) AS settable
       FROM unnest($1::text[]) AS wanted(role)
       LEFT JOIN pg_roles r ON r.rolname = wanted.role
      ORDER BY wanted.role`,
    [names],
  );
  return rows.map((row) => roleCheck({ ...row, settable: row.settable || !takenOn }, runAs));
}

/**
 * The application's role may own objects if the plan runs its steps as that role (`runAs`): the fence then also
 * revokes the owner's CONNECT.
 */
function roleCheck(found: RoleRow, runAs: string | undefined): PreflightCheck {
  const owns = runAs !== undefined && found.role === runAs;
  const owners = found.owners.filter((owner) => owner !== runAs);
  const row = owns ? { ...found, owns: [], ownsDatabase: false, owners } : { ...found, owners };
  const through = [...new Set([...row.owners, ...row.powers])];
  const faults = [
    row.missing ? "does not exist" : "",
    row.superuser ? "is superuser" : "",
    row.bypass ? "has BYPASSRLS" : "",
    row.ownsDatabase ? "owns the database" : "",
    row.owns.length > 0 ? `owns ${row.owns.slice(0, 5).join(", ")}` : "",
    row.owners.length > 0 ? `acts as ${row.owners.join(", ")}, which owns tables or the database` : "",
    row.powers.length > 0 ? `may become ${row.powers.join(", ")}, which is superuser or has BYPASSRLS` : "",
    !row.missing && !row.settable ? "cannot be assumed by the migrating role" : "",
  ].filter((fault) => fault !== "");
  const revoke =
    through.length > 0 ? `REVOKE ${through.map(nameInSql).join(", ")} FROM ${nameInSql(row.role)}, ` : "";
  return {
    name: `application role ${row.role}`,
    passed: faults.length === 0,
    expected: `${owns ? "" : "owns no table, "}is not superuser, has no BYPASSRLS, and is in no role that does or has any of these`,
    seen: faults.join("; ") || `as expected${owns ? "; as `runAs` names it, it may own tables" : ""}`,
    mend: `${revoke}REASSIGN OWNED BY, ALTER ROLE ... NOSUPERUSER NOBYPASSRLS, or GRANT ${nameInSql(row.role)} to the migrating role.${
      !owns && (row.ownsDatabase || row.owns.length > 0)
        ? " To keep the application connecting as the owner: docs/plan-format.md, One login for all."
        : ""
    }`,
  };
}
