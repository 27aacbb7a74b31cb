import type { Step } from "../../lambdas/shared/plan.ts";
import { outsideOnly } from "./in-transaction.ts";
import { fieldsOf, type ParsedStatement } from "./statements.ts";

// The transactions in a file, read as psql would: each BEGIN ... COMMIT is one, and a statement that cannot be in one is
// alone. Sluice's steps are transactions already, so BEGIN and COMMIT themselves are left out.

interface Part {
  kind: Extract<Step["kind"], "transaction" | "outside">;
  statements: ParsedStatement[];
}

export interface Parts {
  parts: Part[];
  /** The first BEGIN that was left out, and its COMMIT. */
  wrapped: { begin: ParsedStatement; commit: ParsedStatement } | undefined;
  problems: { statement: ParsedStatement; reason: string }[];
}

interface TransactionStmt {
  kind?: string;
  options?: { DefElem?: { defname?: string; arg?: { A_Const?: { ival?: { ival?: number } } } } }[];
  chain?: boolean;
}

const ALREADY = "a step is already a transaction";

export function transactionKind({ node }: ParsedStatement): "begin" | "commit" | "other" | undefined {
  const statement = fieldsOf<TransactionStmt>(node, "TransactionStmt");
  if (!statement) return undefined;
  if (statement.kind === "TRANS_STMT_BEGIN" || statement.kind === "TRANS_STMT_START") return "begin";
  return statement.kind === "TRANS_STMT_COMMIT" ? "commit" : "other";
}

/** Splits the statements of a step where they cannot be one transaction. */
export function partsOf(statements: readonly ParsedStatement[]): Parts {
  const parts: Part[] = [];
  const problems: Parts["problems"] = [];
  let wrapped: Parts["wrapped"];
  let open: ParsedStatement | undefined;
  let current: ParsedStatement[] = [];
  const close = () => {
    if (current.length > 0) parts.push({ kind: "transaction", statements: current });
    current = [];
  };
  for (const statement of statements) {
    const kind = transactionKind(statement);
    const only = outsideOnly(statement);
    if (kind === "begin") {
      const mode = special(statement);
      if (open)
        problems.push({
          statement,
          reason: `${ALREADY}, and so is the one that began in line ${open.line}. Remove this BEGIN`,
        });
      else if (mode)
        problems.push({
          statement,
          reason: `${ALREADY}, READ COMMITTED and READ WRITE. ${mode} has no effect there. Remove it`,
        });
      else close();
      open ??= statement;
    } else if (kind === "commit") {
      if (!open)
        problems.push({
          statement,
          reason: `${ALREADY}, and there is no BEGIN before this COMMIT. Remove it`,
        });
      else if (special(statement))
        problems.push({ statement, reason: `${ALREADY}: AND CHAIN has nothing to begin. Remove it` });
      else {
        close();
        wrapped ??= { begin: open, commit: statement };
      }
      open = undefined;
    } else if (only !== undefined && open) {
      problems.push({
        statement,
        reason: `${only} cannot run in a transaction, and one begins in line ${open.line}. Put it before that BEGIN or after its COMMIT`,
      });
    } else if (only !== undefined) {
      close();
      parts.push({ kind: "outside", statements: [statement] });
    } else current.push(statement);
  }
  if (open)
    problems.push({ statement: open, reason: `${ALREADY}, and no COMMIT follows this BEGIN. Remove it` });
  close();
  return { parts, wrapped, problems };
}

/** A transaction mode that a step does not have. */
function special({ node }: ParsedStatement): string | undefined {
  const { options = [], chain } = fieldsOf<TransactionStmt>(node, "TransactionStmt") ?? {};
  if (chain) return "AND CHAIN";
  const names = options.map(({ DefElem: option }) => option?.defname ?? "");
  if (names.includes("transaction_isolation")) return "ISOLATION LEVEL";
  if (names.includes("transaction_deferrable")) return "DEFERRABLE";
  const readOnly = options.find(({ DefElem: option }) => option?.defname === "transaction_read_only");
  return readOnly?.DefElem?.arg?.A_Const?.ival?.ival ? "READ ONLY" : undefined;
}
