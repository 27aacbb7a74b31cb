import type { CheckResult } from "../shared/documents.ts";
import { nameTransient, SluiceError } from "../shared/errors.ts";
import type { Check, CheckFile, Statement } from "../shared/plan.ts";
import { requireRow, type Session, withRolledBackTransaction } from "../shared/session.ts";
import { describeStatementError } from "../shared/statement-error.ts";

/** Runs every check of a file, each in a transaction of its own that is rolled back, under the role it names. */
export async function runChecks(
  session: Session,
  file: CheckFile,
  applicationRoles: readonly string[],
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of file.checks)
    for (const role of rolesOf(check, applicationRoles))
      results.push(...(await runCheck(session, file.path, check, role)));
  return results;
}

/** Null: the migrating role itself. */
function rolesOf(check: Check, applicationRoles: readonly string[]): (string | null)[] {
  if (check.as === undefined) return [null];
  return check.as === "each" ? [...applicationRoles] : [check.as.role];
}

async function runCheck(
  session: Session,
  path: string,
  check: Check,
  role: string | null,
): Promise<CheckResult[]> {
  const result = (passed: boolean, expected: string, seen: string, name?: string): CheckResult => ({
    name: name === undefined ? check.name : `${check.name}: ${name}`,
    at: `${path}:${check.line}`,
    as: role,
    passed,
    expected,
    seen,
  });
  let current: Statement | undefined;
  let became: string | null = null;
  try {
    const rows = await withRolledBackTransaction(session, async () => {
      if (role !== null) await session.query("SELECT set_config('role', $1, true)", [role]);
      const found: Record<string, unknown>[] = [];
      for (const statement of check.statements) {
        current = statement;
        found.push(...(await session.query(statement.sql)).filter((row) => "passed" in row));
      }
      // The compiler refuses what it can see; a function of the database may also change the role.
      became = role === null ? null : await currentUser(session);
      return found;
    });
    if (became !== role) return [result(false, `run as ${role} to its end`, `it ended as ${became}`)];
    if (rows.length === 0) return [result(false, "at least one row with passed, expected, seen", "none")];
    return rows.map((row) =>
      result(
        row.passed === true,
        String(row.expected),
        String(row.seen),
        row.name === undefined ? undefined : String(row.name),
      ),
    );
  } catch (error) {
    const named = nameTransient(error);
    if (named instanceof SluiceError || !current) throw named;
    return [result(false, "no error", describeStatementError(path, "error", current, error))];
  }
}

async function currentUser(session: Session): Promise<string> {
  const { role } = await requireRow<{ role: string }>(session, "SELECT current_user::text AS role");
  return role;
}
