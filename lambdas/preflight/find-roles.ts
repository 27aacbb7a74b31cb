import { Doc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { applicationRoles, withTarget } from "../shared/places.ts";
import type { Ports, PreflightCheck } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";
import { note } from "./inspected.ts";

// A plan may leave the application's roles unnamed. Preflight then finds every role that could be one of them, and
// the first gate shows the list.

/** Names of checks whose lines the first gates show. */
export const FOUND_ROLES = "application roles that were found";
export const NOBODY_KEPT_OUT = "nobody is kept out";

/** Returns the ports with the found roles in their plan, if neither the plan nor the deployment names any role. */
export async function withFoundRoles(ports: Ports, evidence: RunEvidence): Promise<Ports> {
  const { plan, settings } = ports;
  if (!plan.findRoles || settings.applicationRoles.length > 0) return ports;
  const { roles } = await evidence.getOrCreate(Doc.foundRoles, async () => ({
    at: ports.clock.now().toISOString(),
    roles: await withTarget(ports, evidence, "production", findRoles),
  }));
  return Object.create(ports, { plan: { enumerable: true, value: { ...plan, applicationRoles: roles } } });
}

/**
 * Finds roles that may log in, own neither the database nor a table in it, and hold rights on tables beyond those of
 * PUBLIC.
 */
export async function findRoles(session: Session): Promise<string[]> {
  const rows = await session.query<{ role: string }>(
    `WITH tables AS (
       SELECT c.oid, c.relowner, c.relacl
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${IS_USERS_SCHEMA("n.nspname")}),
     granted AS (
       SELECT a.grantee FROM tables t CROSS JOIN aclexplode(t.relacl) a
        UNION
       SELECT a.grantee FROM pg_attribute k JOIN tables t ON t.oid = k.attrelid CROSS JOIN aclexplode(k.attacl) a)
     SELECT r.rolname AS role FROM pg_roles r
      WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname NOT IN (current_user, session_user)
        AND NOT pg_has_role(r.oid, (SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE')
        AND NOT EXISTS (SELECT FROM tables t WHERE t.relowner = r.oid)
        AND EXISTS (SELECT FROM granted g WHERE g.grantee <> 0 AND pg_has_role(r.oid, g.grantee, 'USAGE'))
      ORDER BY role`,
  );
  return rows.map(({ role }) => role);
}

/** Empty if the plan or the deployment names roles. */
export function whoIsKeptOut(ports: Ports): PreflightCheck[] {
  const { plan, settings } = ports;
  if (settings.fence !== "connect") return [];
  const roles = applicationRoles(ports);
  if (roles.length === 0)
    return [
      note(
        NOBODY_KEPT_OUT,
        "the application's roles, named in `applicationRoles`",
        [
          plan.findRoles
            ? "only the owner can log in and has rights on tables"
            : "`applicationRoles` is empty",
        ],
        "Every connected session can write while the run migrates. Its writes end the run, or a restore loses them. Stop the application first, or give it a role of its own.",
      ),
    ];
  if (!plan.findRoles || settings.applicationRoles.length > 0) return [];
  return [
    note(
      FOUND_ROLES,
      "named in `applicationRoles`",
      [roles.join(", ")],
      "The fence keeps these roles out while the run migrates. Check that the application connects only as these; otherwise name its roles in the plan.",
    ),
  ];
}
