import type { PreflightCheck } from "../shared/documents.ts";
import { applicationRoles } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";

interface RoleRow {
  role: string;
  missing: boolean;
  superuser: boolean;
  bypass: boolean;
  owns: string[];
  settable: boolean;
}

/**
 * The fence and row-level security hold only for roles that own nothing and bypass nothing, and checks can only be run
 * as a role that the migrating role may become.
 */
export async function inspectRoles(session: Session, ports: Ports): Promise<PreflightCheck[]> {
  const rows = await session.query<RoleRow>(
    `SELECT wanted.role,
            r.oid IS NULL AS missing,
            coalesce(r.rolsuper, false) AS superuser,
            coalesce(r.rolbypassrls, false) AS bypass,
            coalesce((SELECT array_agg(c.oid::regclass::text ORDER BY c.relname)
                        FROM pg_class c
                       WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')), '{}')::text[] AS owns,
            r.oid IS NOT NULL AND pg_has_role(current_user, r.oid, 'MEMBER') AS settable
       FROM unnest($1::text[]) AS wanted(role)
       LEFT JOIN pg_roles r ON r.rolname = wanted.role
      ORDER BY wanted.role`,
    [applicationRoles(ports)],
  );
  const [owner] = await session.query<{ owns: boolean; name: string; me: string }>(
    `SELECT pg_has_role(current_user, datdba, 'USAGE') AS owns, datname AS name, current_user AS me
       FROM pg_database WHERE datname = current_database()`,
  );
  return [
    {
      name: "database owner",
      passed: owner?.owns === true,
      expected: `${owner?.me} owns ${owner?.name}`,
      seen: owner?.owns ? "it does" : "it does not",
      mend: "The fence takes CONNECT away, which only the database's owner may: connect as the owner.",
    },
    ...rows.map(roleCheck),
  ];
}

function roleCheck(row: RoleRow): PreflightCheck {
  const faults = [
    row.missing ? "does not exist" : "",
    row.superuser ? "is superuser" : "",
    row.bypass ? "has BYPASSRLS" : "",
    row.owns.length > 0 ? `owns ${row.owns.slice(0, 5).join(", ")}` : "",
    !row.missing && !row.settable ? "cannot be taken on by the migrating role" : "",
  ].filter((fault) => fault !== "");
  return {
    name: `application role ${row.role}`,
    passed: faults.length === 0,
    expected: "owns no table, is no superuser, has no BYPASSRLS",
    seen: faults.length === 0 ? "so it is" : faults.join("; "),
    mend: `REASSIGN OWNED BY, ALTER ROLE ... NOSUPERUSER NOBYPASSRLS, or GRANT ${row.role} to the migrating role.`,
  };
}
