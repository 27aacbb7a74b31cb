import { fieldsOf, type ParsedStatement } from "./statements.ts";

interface GrantStmt {
  is_grant?: boolean;
  /** In a REVOKE: only the grant option is revoked. */
  grant_option?: boolean;
  objtype?: string;
  /** Absent means ALL. */
  privileges?: { AccessPriv?: { priv_name?: string } }[];
  grantees?: { RoleSpec?: { roletype?: string; rolename?: string } }[];
}

/** The roles that lose CONNECT on the database; null is PUBLIC. */
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
