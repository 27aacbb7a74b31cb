import { isPostgresError, messageOf } from "../../lambdas/shared/errors.ts";
import type { SqlFile, Step } from "../../lambdas/shared/plan.ts";
import { type Session, withTransaction } from "../../lambdas/shared/session.ts";
import type { Copy } from "./copy.ts";

/** A statement that the database refused, with its file and line. */
export class StatementRefused extends Error {
  override readonly name = "StatementRefused";
}

/** Runs the first `count` steps of a file as the step engine does, but without the ledger. */
export async function runSteps(copy: Copy, file: SqlFile, count = file.steps.length): Promise<void> {
  for (const step of file.steps.slice(0, count))
    await copy.withSession((session) => runStep(session, file.path, step));
}

async function runStep(session: Session, path: string, step: Step): Promise<void> {
  for (const setting of step.settings) await session.exec(setting);
  let at = step.line;
  const statements = async () => {
    for (const { sql, line } of step.statements) {
      at = line;
      await session.exec(sql);
    }
    // Errors of deferred checks come at commit.
    at = step.line;
  };
  try {
    await (step.kind === "transaction" ? withTransaction(session, statements) : statements());
  } catch (error) {
    if (!isPostgresError(error)) throw error;
    throw new StatementRefused(`${path}:${at} (step "${step.name}"): ${messageOf(error)}`, { cause: error });
  }
}
