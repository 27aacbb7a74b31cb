import { ownersAmongMembers } from "../fence/access.ts";
import type { PreflightCheck } from "../shared/documents.ts";
import { nameInSql } from "../shared/name-in-sql.ts";
import { applicationRoles } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import { needRow, type Session } from "../shared/session.ts";
import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";
import { whoIsKeptOut } from "./find-roles.ts";
import { inspected } from "./inspected.ts";
import { none, note } from "./note.ts";

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
 * The fence and row-level security hold only for roles that own nothing and bypass nothing, neither by themselves nor
 * through a role that they are in; and checks can only be run as a role that the migrating role may become.
 */
export async function inspectRoles(session: Session, ports: Ports): Promise<PreflightCheck[]> {
  return [
    ...(await inspected("database owner", () => databaseOwner(session))),
    ...whoIsKeptOut(ports),
    ...(await inspected("application roles", () =>
      roles(session, applicationRoles(ports), takesOnRoles(ports)),
    )),
    ...(ports.settings.fence === "connect"
      ? await inspected("roles that no fence keeps out", () => unfenced(session, applicationRoles(ports)))
      : []),
  ];
}

async function unfenced(session: Session, names: readonly string[]): Promise<PreflightCheck> {
  const name = "roles that no fence keeps out";
  const found = await ownersAmongMembers(session, names);
  if (found.length === 0) return none(name);
  return note(
    name,
    "none",
    found,
    "They act as the database's owner, whose CONNECT nobody can take away, and may act as the application. See that nobody works as one of them from the fence to the opening: what they write then ends the run, or is lost by a restore.",
  );
}

async function databaseOwner(session: Session): Promise<PreflightCheck> {
  const owner = await needRow<{ owns: boolean; name: string; me: string }>(
    session,
    `SELECT pg_has_role(current_user, datdba, 'USAGE') AS owns, datname AS name, current_user AS me
       FROM pg_database WHERE datname = current_database()`,
  );
  return {
    name: "database owner",
    passed: owner.owns,
    expected: `${owner.me} owns ${owner.name}`,
    seen: owner.owns ? "it does" : "it does not",
    mend: "The fence takes CONNECT away, which only the database's owner may: connect as the owner.",
  };
}

/** Whether checks or benchmarks run as application roles; of roles that were found, nothing else asks for that. */
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
): Promise<PreflightCheck[]> {
  // What a role owns it has through inheritance; what it may bypass only by becoming the other role. A superuser counts
  // as a member of every role, so of one nothing more is said.
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
  return rows.map((row) => roleCheck({ ...row, settable: row.settable || !takenOn }));
}

function roleCheck(row: RoleRow): PreflightCheck {
  const through = [...new Set([...row.owners, ...row.powers])];
  const faults = [
    row.missing ? "does not exist" : "",
    row.superuser ? "is superuser" : "",
    row.bypass ? "has BYPASSRLS" : "",
    row.ownsDatabase ? "owns the database" : "",
    row.owns.length > 0 ? `owns ${row.owns.slice(0, 5).join(", ")}` : "",
    row.owners.length > 0 ? `acts as ${row.owners.join(", ")}, who owns tables or the database` : "",
    row.powers.length > 0 ? `may become ${row.powers.join(", ")}, who is superuser or has BYPASSRLS` : "",
    !row.missing && !row.settable ? "cannot be taken on by the migrating role" : "",
  ].filter((fault) => fault !== "");
  const revoke =
    through.length > 0 ? `REVOKE ${through.map(nameInSql).join(", ")} FROM ${nameInSql(row.role)}, ` : "";
  return {
    name: `application role ${row.role}`,
    passed: faults.length === 0,
    expected: "owns no table, is no superuser, has no BYPASSRLS, and is in no role that does",
    seen: faults.length === 0 ? "so it is" : faults.join("; "),
    mend: `${revoke}REASSIGN OWNED BY, ALTER ROLE ... NOSUPERUSER NOBYPASSRLS, or GRANT ${nameInSql(row.role)} to the migrating role.`,
  };
}
