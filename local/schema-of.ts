import { join } from "node:path";
import { findRoles } from "../lambdas/preflight/find-roles.ts";
import { ErrorName, SluiceError } from "../lambdas/shared/errors.ts";
import { requireRow, type Session } from "../lambdas/shared/session.ts";
import { LEDGER_SCHEMA } from "../lambdas/shared/user-objects.ts";
import { LOCAL_OWNER } from "../lib/plan/schema.ts";
import { environmentFor, findPrograms, ProgramFailed, run } from "./copies/programs.ts";
import { type Address, placeOf } from "./server/address.ts";
import { withGuestAt } from "./server/session.ts";

export interface TakenSchema {
  /** Such as `me@localhost:5432/shop`. */
  of: string;
  sql: string;
  /** The role that will own the embedded database. */
  owner: string;
  extensions: readonly string[];
  applicationRoles: readonly string[];
  /** Notes for people, in lines. */
  notes: readonly string[];
}

/** What a schema refers to outside of itself: roles in its rights and policies, and extensions. */
interface Around {
  version: number;
  owner: string;
  ownerIsSuperuser: boolean;
  extensions: string[];
  roles: { create: string }[];
  memberships: { grant: string }[];
  applicationRoles: string[];
}

/**
 * The schema of a database as the baseline of a plan: by pg_dump, with the roles that it names, but without rows, owners,
 * tablespaces, publications and subscriptions. The database is only read.
 * @throws UsageError if this machine has no pg_dump for it, SluiceError FleetFailed with pg_dump's error
 */
export async function schemaOf(address: Address): Promise<TakenSchema> {
  const around = await withGuestAt(address, { application_name: "sluice new" }, {}, lookAround);
  const { folder } = await findPrograms(["pg_dump"], Math.floor(around.version / 10_000), { orNewer: true });
  const dump = await dumped(join(folder, "pg_dump"), address);
  const head = [
    `-- The schema of ${placeOf(address).replace(/[\r\n]/g, " ")}, taken by sluice new. Rehearsals on the embedded PostgreSQL start from it.`,
    "-- It is never sent to a deployed database. Add rows by INSERT or COPY if the migrations need some.",
    ...around.roles.map(({ create }) => create),
    ...around.memberships.map(({ grant }) => grant),
  ];
  return {
    of: placeOf(address),
    sql: `${head.join("\n")}\n\n${dump}`,
    // The embedded superuser already has that name.
    owner: around.ownerIsSuperuser ? LOCAL_OWNER : around.owner,
    extensions: around.extensions,
    applicationRoles: around.applicationRoles,
    notes:
      around.applicationRoles.length > 0
        ? [`Application roles, as found there: ${around.applicationRoles.join(", ")}.`]
        : [
            "Apart from owners, no role may log in there and has rights on tables, so a run keeps no role out.",
          ],
  };
}

async function dumped(program: string, address: Address): Promise<string> {
  const flags = [
    "--schema-only",
    "--encoding=UTF8",
    "--no-owner",
    "--no-tablespaces",
    "--no-publications",
    "--no-subscriptions",
    "--no-security-labels",
    `--exclude-schema=${LEDGER_SCHEMA}`,
    "--no-password",
    "--lock-wait-timeout=30s",
  ];
  try {
    return (await run(program, flags, environmentFor(address))).output;
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    throw new SluiceError(
      ErrorName.FleetFailed,
      `pg_dump could not read the schema of ${placeOf(address)}: ${error.message}\nIt needs a role that may use every schema and read every table, such as their owner.`,
      { cause: error },
    );
  }
}

/** Roles that objects in this database refer to, by rights, policies or ownership, and their members. */
const ROLES = `
WITH named AS (
  SELECT r.oid FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
   WHERE d.refclassid = 'pg_authid'::regclass
     AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())),
roles AS (
  SELECT r.oid, r.rolname, r.rolcanlogin FROM pg_roles r
   WHERE NOT r.rolname ~ '^pg_' AND r.rolname <> 'postgres' AND r.rolname <> $1
     AND (r.oid IN (SELECT oid FROM named)
          OR NOT r.rolsuper AND EXISTS (SELECT FROM named n WHERE pg_has_role(r.oid, n.oid, 'MEMBER'))))`;

async function lookAround(session: Session): Promise<Around> {
  const base = await requireRow<Pick<Around, "version" | "owner" | "ownerIsSuperuser" | "extensions">>(
    session,
    `SELECT current_setting('server_version_num')::int AS version, r.rolname AS owner, r.rolsuper AS "ownerIsSuperuser",
            coalesce((SELECT array_agg(extname::text ORDER BY extname) FROM pg_extension WHERE extname <> 'plpgsql'),
                     '{}') AS extensions
       FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname = current_database()`,
  );
  const owner = base.ownerIsSuperuser ? LOCAL_OWNER : base.owner;
  return {
    ...base,
    roles: await session.query(
      `${ROLES}
       SELECT format('CREATE ROLE %I%s;', rolname, CASE WHEN rolcanlogin THEN ' LOGIN' ELSE '' END) AS "create"
         FROM roles ORDER BY rolname`,
      [owner],
    ),
    memberships: await session.query(
      `${ROLES}
       SELECT DISTINCT format('GRANT %I TO %I;', g.rolname, m.rolname) AS "grant"
         FROM pg_auth_members a JOIN roles g ON g.oid = a.roleid JOIN roles m ON m.oid = a.member ORDER BY 1`,
      [owner],
    ),
    applicationRoles: await findRoles(session),
  };
}
