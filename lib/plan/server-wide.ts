import { loadModule } from "libpg-query";
import { type CompiledPlan, type Statement, stepFiles } from "../../lambdas/shared/plan.ts";
import { fieldsOf, type Node, nodesWithin, splitStatements } from "./statements.ts";

/** A statement that affects the whole server, beyond its database. */
export interface ServerWide {
  /** Such as `002_notes/migrate.sql`. */
  path: string;
  line: number;
  /** Its effect, such as `creates a role`. */
  does: string;
}

const ALWAYS: Readonly<Record<string, string>> = {
  CreateRoleStmt: "creates a role",
  AlterRoleStmt: "changes a role",
  AlterRoleSetStmt: "changes a role's settings",
  DropRoleStmt: "drops a role",
  GrantRoleStmt: "makes a role a member of another, or ends that",
  ReassignOwnedStmt: "gives away all that a role owns, including databases",
  DropOwnedStmt: "drops all that a role owns, and its rights on the server",
  AlterDatabaseStmt: "changes a database by its name",
  AlterDatabaseSetStmt: "changes a database's settings by its name",
  AlterDatabaseRefreshCollStmt: "changes a database by its name",
  AlterTableSpaceOptionsStmt: "changes a tablespace",
  AlterSystemStmt: "changes the server's settings",
  CreateSubscriptionStmt: "creates a subscription, and a slot on another server",
  AlterSubscriptionStmt: "changes a subscription",
  DropSubscriptionStmt: "drops a subscription, and its slot on another server",
  CreatedbStmt: "creates a database",
  DropdbStmt: "drops a database",
  CreateTableSpaceStmt: "creates a tablespace",
  DropTableSpaceStmt: "drops a tablespace",
};

/** Objects of the server. Grants, comments, owners and new names on these affect the server. */
const SHARED: Readonly<Record<string, string>> = {
  OBJECT_DATABASE: "a database by its name",
  OBJECT_ROLE: "a role",
  OBJECT_TABLESPACE: "a tablespace",
  OBJECT_PARAMETER_ACL: "a parameter of the server",
  OBJECT_SUBSCRIPTION: "a subscription",
};

/** In the body of a DO, which is only text: what the text names counts. */
const IN_TEXT =
  /\b(?:(?:create|alter|drop)\s+(?:role|user(?!\s+mapping)|group|database|tablespace|subscription)|alter\s+system|reassign\s+owned|drop\s+owned|on\s+(?:parameter|database|tablespace)\s)/i;

/** Every statement in the plan's steps and checks that would change the server itself, in plan order. */
export async function serverWide(plan: CompiledPlan): Promise<ServerWide[]> {
  await loadModule();
  const files = plan.migrations.flatMap((migration) => [
    ...stepFiles(migration).flatMap(({ path, steps }) =>
      steps.map(({ statements }) => ({ path, statements })),
    ),
    ...migration.validate.checks.map(({ statements }) => ({ path: migration.validate.path, statements })),
  ]);
  const data = plan.stagingData.flatMap(({ path, steps }) =>
    steps.map(({ statements }) => ({ path, statements })),
  );
  const opening = plan.afterOpening.map(({ title, sql }) => ({
    path: `plan.yaml: afterOpening "${title}"`,
    statements: [{ sql, line: 1 }],
  }));
  return [...files, ...data, ...opening].flatMap(({ path, statements }) =>
    statements.flatMap((statement) => found(statement).map((does) => ({ path, line: statement.line, does }))),
  );
}

function found({ sql, line }: Statement): string[] {
  return splitStatements(sql, line).flatMap(({ node }) => (node ? (doesOf(node) ?? []) : []));
}

function doesOf(node: Node): string | undefined {
  const [type = ""] = Object.keys(node);
  const always = ALWAYS[type];
  if (always) return always;
  const about = fieldsOf<{ objtype?: string; objectType?: string; renameType?: string }>(node, type);
  const object = SHARED[about?.objtype ?? about?.objectType ?? about?.renameType ?? ""];
  if (object) return `${type === "GrantStmt" ? "grants or revokes rights on" : "changes"} ${object}`;
  if (type !== "DoStmt") return undefined;
  for (const { arg } of nodesWithin(node, "DefElem")) {
    const body = (arg as { String?: { sval?: string } } | undefined)?.String?.sval ?? "";
    const named = IN_TEXT.exec(body.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, ""));
    if (named) return `has "${named[0].trim().replace(/\s+/g, " ")}" in a DO`;
  }
  return undefined;
}
