import { fieldsOf, type ParsedStatement } from "./statements.ts";

interface GrantStmt {
  is_grant?: boolean;
  /** Of a REVOKE: only the grant option goes. */
  grant_option?: boolean;
  objtype?: string;
  /** Absent: ALL. */
  privileges?: { AccessPriv?: { priv_name?: string } }[];
  grantees?: { RoleSpec?: { roletype?: string; rolename?: string } }[];
}

/** From whom a statement revokes CONNECT on the database; null: PUBLIC. */
export function revokesConnect({ node }: ParsedStatement): (string | null)[] {
  const grant = fieldsOf<GrantStmt>(node, "GrantStmt");
  if (!grant || grant.is_grant || grant.grant_option || grant.objtype !== "OBJECT_DATABASE") return [];
  const named = grant.privileges?.map(({ AccessPriv }) => AccessPriv?.priv_name);
  if (named && !named.includes("connect")) return [];
  return (grant.grantees ?? []).flatMap(({ RoleSpec: role }) => {
    if (role?.roletype === "ROLESPEC_PUBLIC") return [null];
    return role?.rolename === undefined ? [] : [role.rolename];
  });
}
