import * as z from "zod";

/**
 * Every error name that the state machine may see. Handlers throw these errors; the definition catches or retries them
 * by name. Both import this file.
 */
export const ErrorName = {
  /** The operator's input, or a handler's event, has the wrong shape. */
  RequestInvalid: "RequestInvalid",
  /** Another run holds this database. */
  RunLocked: "RunLocked",
  /** The maintenance window is closed: no run may start and no gate may open. */
  WindowClosed: "WindowClosed",
  /** At least one preflight check found a problem. */
  PreflightFailed: "PreflightFailed",
  /** The run's plan is missing in the store, does not match its checksum, or has a format that this version cannot read. */
  PlanUnusable: "PlanUnusable",
  /** A snapshot, restore, rename or deletion ended in a bad status. */
  FleetFailed: "FleetFailed",
  /** Staging differs from production, or production differs from what was rehearsed. */
  BackupMismatch: "BackupMismatch",
  /** A statement of a migration failed. */
  StepFailed: "StepFailed",
  /** A check did not pass. */
  CheckFailed: "CheckFailed",
  /** A statement of a rollback failed. */
  RollbackFailed: "RollbackFailed",
  /** The rehearsal shows that rolling back would take longer than the plan allows. */
  RollbackTooSlow: "RollbackTooSlow",
  /** After a rollback or a restore the database differs from the record. */
  NotBack: "NotBack",
  /** A measured latency is over its SLO. */
  BenchmarkFailed: "BenchmarkFailed",
  /** A hook to stop, start or test the application did not give the expected answer. */
  HookFailed: "HookFailed",
  /** A smoke test did not give the answer that the plan expects. */
  SmokeTestFailed: "SmokeTestFailed",
  /** The evidence holds a decision that no gate page can have made. */
  DecisionForged: "DecisionForged",
  /** A loop of the state machine ran past its time limit. */
  TookTooLong: "TookTooLong",
  /** An operator stopped the run. */
  Stopped: "Stopped",
  /** Broken on purpose, in a drill. */
  Drill: "Drill",
  /** The session to the database was lost. The task can be retried. */
  ConnectionLost: "ConnectionLost",
  /** The migrating role lacks a right (SQLSTATE 42501). */
  RightMissing: "RightMissing",
  /** A lock was not granted in time. The task can be retried. */
  LockTimeout: "LockTimeout",
} as const;

export type ErrorName = (typeof ErrorName)[keyof typeof ErrorName];

/** Errors that a retry may solve. All other named errors are final: a person must look. */
export const RETRYABLE: readonly ErrorName[] = [ErrorName.ConnectionLost, ErrorName.LockTimeout];
export const FINAL: readonly ErrorName[] = Object.values(ErrorName).filter(
  (name) => !RETRYABLE.includes(name),
);

/** An error with one of these names. Operators read its message: what was wrong, where, and what to do. */
export class SluiceError extends Error {
  override readonly name: ErrorName;
  constructor(name: ErrorName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
  }
}

/**
 * No failure: people's decision on a wave answers the gate. Thrown by the gate that waits for an answer, as from inside
 * the database's network no function may reach Step Functions.
 */
export class AnsweredByWave extends Error {
  override readonly name = ANSWERED_BY_WAVE;
}

export const ANSWERED_BY_WAVE = "AnsweredByWave";

/** Returns the message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The shape of server errors in node-postgres and in the embedded Postgres. */
interface PostgresError extends Error {
  code: string;
  position?: string;
  detail?: string;
  hint?: string;
  where?: string;
}

/** True for an error that the server raised: it has a five-character SQLSTATE. EPIPE also has five, but is a system call's. */
export function isPostgresError(error: unknown): error is PostgresError {
  if (!(error instanceof Error) || "syscall" in error) return false;
  return /^[0-9A-Z]{5}$/.test(String((error as { code?: unknown }).code ?? ""));
}

const CONNECTION_CODES = /^(ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)$/;
// 57P01 to 57P03: the server ends or refuses sessions; class 08: the connection broke.
const LOST_SQLSTATE = /^(08...|57P0[1-5])$/;

/** Gives errors of the connection or of a lock their SluiceError name. Other errors pass unchanged. */
export function nameTransient(error: unknown): unknown {
  const code = String((error as { code?: unknown } | null)?.code ?? "");
  const message = messageOf(error);
  if (
    CONNECTION_CODES.test(code) ||
    LOST_SQLSTATE.test(code) ||
    /Connection terminated|connection to client lost/i.test(message)
  )
    return new SluiceError(ErrorName.ConnectionLost, `The session to the database was lost: ${message}`, {
      cause: error,
    });
  if (code === "55P03" || code === "40P01")
    return new SluiceError(ErrorName.LockTimeout, `A lock was not granted in time: ${message}`, {
      cause: error,
    });
  return error;
}

/**
 * Gives the server's "permission denied" the name RightMissing, as no retry helps. Call it where an error leaves a task:
 * inside a task the refusal may be the answer that a check expects.
 */
export function nameMissingRight(error: unknown): unknown {
  if (!isPostgresError(error) || error.code !== "42501") return error;
  if (/row-level security policy/.test(error.message))
    return new SluiceError(
      ErrorName.RightMissing,
      `The database refused it: ${error.message}. Row-level security hides rows from the migrating role, which must read all of them. Give that role BYPASSRLS. Or remove FORCE, where the application does not log in as the tables' owner: FORCE affects only the owner.`,
      { cause: error },
    );
  const hint = [error.detail, error.hint].filter(Boolean).join(" ");
  return new SluiceError(
    ErrorName.RightMissing,
    `The database refused it: ${error.message}.${hint ? ` ${hint}` : ""} Grant the migrating role that right, or make it the owner, and start a new run; preflight shows what is missing.`,
    { cause: error },
  );
}

/** A request that was deliberately not sent; its message gives the reason. Its test counts as neither passed nor failed. */
export class NotAsked extends Error {
  override readonly name = "NotAsked";
}

/** What a Catch puts into the machine's state. */
export const caughtSchema = z.object({ Error: z.string().optional(), Cause: z.string().optional() });
export type Caught = z.infer<typeof caughtSchema>;

const lambdaCause = z.object({ errorMessage: z.string() });

/** Returns the error in readable form: a Lambda's Cause is JSON with a stack trace; other causes are plain text. */
export function readCaught({ Error: error = "Error", Cause: cause = "" }: Caught): {
  error: string;
  message: string;
} {
  return { error, message: messageOfCause(cause) || meaningOf(error) };
}

function messageOfCause(cause: string): string {
  if (!cause.trimStart().startsWith("{")) return cause.trim();
  // Step Functions cuts a long Cause, so it may no longer be valid JSON.
  const cut = /"errorMessage"\s*:\s*("(?:[^"\\]|\\.)*"?)/.exec(cause)?.[1];
  try {
    return lambdaCause.parse(JSON.parse(cause)).errorMessage.trim();
  } catch {
    return cut ? unquoted(cut) : "";
  }
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text.endsWith('"') && text.length > 1 ? text : `${text}"`)).trim();
  } catch {
    return "";
  }
}

function meaningOf(error: string): string {
  if (error === "States.Timeout") return "it did not answer within its time limit";
  return "it gave no reason; see the execution's history";
}

/**
 * Returns the service's name for an error, without `Fault` or `Exception` at the end. SDK clients use the class name for
 * modelled errors and the service's code for others, so the same error may or may not have that ending.
 */
export function awsErrorName(error: unknown): string {
  return error instanceof Error ? error.name.replace(/(Fault|Exception)$/, "") : "";
}
