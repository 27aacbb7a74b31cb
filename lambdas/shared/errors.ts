/**
 * Every error that the state machine may meet by name. The names are the contract between the handlers, which
 * throw them, and the definition, which catches or retries them; both import this file.
 */
export const ErrorName = {
  /** The operator's input, or a handler's event, is not of the agreed shape. */
  RequestInvalid: "RequestInvalid",
  /** Another run holds this database. */
  RunLocked: "RunLocked",
  /** Outside the maintenance window no run may start, and no gate may be asked. */
  WindowClosed: "WindowClosed",
  /** At least one preflight check found a problem. */
  PreflightFailed: "PreflightFailed",
  /** The run's plan is not stored any more, is not what its checksum says, or is of a format that this version does not read. */
  PlanUnusable: "PlanUnusable",
  /** A snapshot, restore, rename or deletion ended in a bad status. */
  FleetFailed: "FleetFailed",
  /** Staging is not what production is, or production is not what was rehearsed. */
  BackupMismatch: "BackupMismatch",
  /** A statement of a migration failed. */
  StepFailed: "StepFailed",
  /** A check did not pass. */
  CheckFailed: "CheckFailed",
  /** A statement of a rollback failed. */
  RollbackFailed: "RollbackFailed",
  /** By the rehearsal, rolling back would take longer than the plan allows. */
  RollbackTooSlow: "RollbackTooSlow",
  /** After a rollback or a restore the database is not what it was. */
  NotBack: "NotBack",
  /** A measured latency is over its SLO. */
  BenchmarkFailed: "BenchmarkFailed",
  /** A hook to stop, start or test the application did not answer as agreed. */
  HookFailed: "HookFailed",
  /** A smoke test did not answer as the plan says. */
  SmokeTestFailed: "SmokeTestFailed",
  /** The evidence holds a decision that no page can have taken. */
  DecisionForged: "DecisionForged",
  /** A loop of the state machine went on for longer than it may. */
  TookTooLong: "TookTooLong",
  /** An operator stopped the run. */
  Stopped: "Stopped",
  /** Broken on purpose, to see where it leads. */
  Drill: "Drill",
  /** The session to the database was lost; the task may simply be done again. */
  ConnectionLost: "ConnectionLost",
  /** The database refuses what the migrating role may not do (SQLSTATE 42501). */
  RightMissing: "RightMissing",
  /** A lock was not granted in time; the task may simply be done again. */
  LockTimeout: "LockTimeout",
} as const;

export type ErrorName = (typeof ErrorName)[keyof typeof ErrorName];

/** Errors that doing the same again may mend. All other named errors are final: a person must look. */
export const RETRYABLE: readonly ErrorName[] = [ErrorName.ConnectionLost, ErrorName.LockTimeout];
export const FINAL: readonly ErrorName[] = Object.values(ErrorName).filter(
  (name) => !RETRYABLE.includes(name),
);

/** An error with one of the agreed names. Its message is read by operators: what was wrong, where, what to do. */
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

/** What any thrown thing says of itself. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The shape that node-postgres and the embedded Postgres give to errors from the server. */
export interface PostgresError extends Error {
  code: string;
  position?: string;
  detail?: string;
  hint?: string;
  where?: string;
}

/** True for an error that the server itself raised: it has a five-character SQLSTATE, which EPIPE is not. */
export function isPostgresError(error: unknown): error is PostgresError {
  if (!(error instanceof Error) || "syscall" in error) return false;
  return /^[0-9A-Z]{5}$/.test(String((error as { code?: unknown }).code ?? ""));
}

const CONNECTION_CODES = /^(ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)$/;
// 57P01 to 57P03: the server ends or refuses sessions; class 08: the connection broke.
const LOST_SQLSTATE = /^(08...|57P0[1-5])$/;

/** Names errors that are about the connection or a lock, and not about the statement; others pass unchanged. */
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
 * Names the server's refusal of what a role may not do, which no second try mends. Asked where an error leaves a task:
 * before that it may be the answer that a check waits for.
 */
export function nameMissingRight(error: unknown): unknown {
  if (!isPostgresError(error) || error.code !== "42501") return error;
  if (/row-level security policy/.test(error.message))
    return new SluiceError(
      ErrorName.RightMissing,
      `The database refused it: ${error.message}. Row-level security hides rows from the migrating role, which must read all of them. Give that role BYPASSRLS; or, where the application does not log in as the tables' owner, take FORCE off: it holds for the owner only.`,
      { cause: error },
    );
  const hint = [error.detail, error.hint].filter(Boolean).join(" ");
  return new SluiceError(
    ErrorName.RightMissing,
    `The database refused it: ${error.message}.${hint ? ` ${hint}` : ""} Grant the migrating role that right, or make it the owner, and start a new run; preflight shows what is missing.`,
    { cause: error },
  );
}

/** A request that was rightly not sent; its message says why. What it was for is neither passed nor failed. */
export class NotAsked extends Error {
  override readonly name = "NotAsked";
}
