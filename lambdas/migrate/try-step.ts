import { setTimeout as sleep } from "node:timers/promises";
import type { Wait } from "../ledger/ledger.ts";
import { type ErrorName, isPostgresError, nameTransient, SluiceError } from "../shared/errors.ts";
import type { SqlFile } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { type OpenSession, type Session, StatementFailed } from "../shared/session.ts";
import { describeStatementError } from "../shared/statement-error.ts";
import { mustLeave } from "../shared/task.ts";
import { noteFailure, noteGaveWay, type StepPlace } from "./ledger-writes.ts";
import { blockersInWords, type Sight, WORKER_MARGIN_MS, watched } from "./observe.ts";

/**
 * Result of a step, or of a part of it. `leave`: this worker must leave; `detached`: and its statement still runs.
 */
export type StepResult = "done" | "leave" | "detached";

/** What all kinds of steps need. */
export interface StepWork extends StepPlace {
  session: Session;
  /** Process id of the session, for observers. */
  pid: number;
  beside: OpenSession | undefined;
  ports: Ports;
  file: SqlFile;
  failure: ErrorName;
  noticesRewrites: boolean;
  /** How often it gave way to a lock so far, and what it waited for. */
  gaveWay: number;
  waits: Wait[];
  /** When its progress was last reported. */
  toldAt: number;
}

/** A statement of a message. */
export interface Sent {
  sql: string;
  /** Index of the step's statement that errors refer to; for closing statements, the last one. */
  statement: number;
  /** Characters before the step's own text. */
  prefix?: number;
}

/** Begins a message with a comment that names the step in pg_stat_activity. */
export function begin({ file, step }: StepWork): string {
  return `/* ${file.path}:${step.line} ${step.name.replaceAll("*/", "* /")} */ BEGIN`;
}

/** Resets a session's limits after a statement that was sent on its own. */
export function ownLimits({ settings }: Ports): string {
  return `SET lock_timeout = ${settings.lockTimeoutMs}; RESET maintenance_work_mem`;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
const MOST_WAITS = 20;
const TELL_EVERY_MS = 1_000;

/**
 * Sends a message that takes effect as a whole or not at all, and sends it again if it gave way to a lock. Each pause
 * is longer and jittered, so that the application gets its turn. Every try has the same lock timeout; no try waits
 * without limit.
 * @param onSight receives observations of the running message
 * @param beforeAgain runs before each further try
 * @throws SluiceError with file, line, statement and the server's message for a statement that fails
 */
export async function trySending(
  work: StepWork,
  message: readonly Sent[],
  onSight?: (sight: Sight, cancel: () => Promise<void>) => Promise<void>,
  beforeAgain?: () => Promise<StepResult>,
): Promise<StepResult> {
  const { ports, session } = work;
  const statements = message.map(({ sql }) => sql);
  for (;;) {
    try {
      const became = await watched(session.together(statements), {
        ports,
        pid: work.pid,
        beside: work.beside,
        firstLookMs: Math.min(200, ports.settings.lockTimeoutMs / 3),
        onSight: async (sight, cancel) => {
          tell(work, sight);
          await onSight?.(sight, cancel);
        },
      });
      return became === "left" ? "detached" : "done";
    } catch (error) {
      if (statements.length > 1) await session.exec("ROLLBACK").catch(() => undefined);
      const cause = error instanceof StatementFailed ? error.cause : error;
      if (!isLockError(cause)) throw await failureOf(work, error, message);
      await giveWay(work, cause);
    }
    if (!(await pause(work))) return "leave";
    const ready = (await beforeAgain?.()) ?? "done";
    if (ready !== "done") return ready;
  }
}

/** Sends statements of our own as one transaction, which gives way like a step's. */
export async function tryTogether(work: StepWork, statements: readonly string[]): Promise<StepResult> {
  const message = [begin(work), ...statements, "COMMIT"];
  return await trySending(
    work,
    message.map((sql) => ({ sql, statement: 0 })),
  );
}

/** 55P03: the lock was not granted in time. 40P01: this session was chosen to end a deadlock. */
function isLockError(error: unknown): error is Error {
  return isPostgresError(error) && (error.code === "55P03" || error.code === "40P01");
}

/** @throws SluiceError LockTimeout after the last try */
async function giveWay(work: StepWork, error: Error): Promise<void> {
  const { ports, step, file, session } = work;
  work.gaveWay++;
  await session.exec(noteGaveWay(work, work.gaveWay, work.waits));
  const wait = work.waits.at(-1);
  const whom = wait ? ` Held up by ${blockersInWords(wait)}.` : "";
  if (work.gaveWay >= ports.settings.lockTries)
    throw new SluiceError(
      "LockTimeout",
      `${file.path}:${step.line}: step "${step.name}" gave way ${work.gaveWay} times: ${error.message}.${whom}`,
      { cause: error },
    );
  ports.progress(`${step.name}: gave way (${error.message}), trying again.${whom}`);
}

/** False: this worker must leave. */
async function pause({ ports, gaveWay }: StepWork): Promise<boolean> {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (gaveWay - 1));
  const ms = longest * (0.5 + Math.random() / 2);
  if (mustLeave(ports, WORKER_MARGIN_MS + ms)) return false;
  await sleep(ms);
  return true;
}

function tell(work: StepWork, { words, wait }: Sight): void {
  const now = performance.now();
  if (now - work.toldAt >= TELL_EVERY_MS) {
    work.toldAt = now;
    work.ports.progress(`${work.step.name}: ${words}`);
  }
  if (!wait) return;
  const last = work.waits.at(-1);
  // The same wait, now longer.
  if (last && last.at === wait.at && last.relation === wait.relation) work.waits.pop();
  work.waits.push(wait);
  if (work.waits.length > MOST_WAITS) work.waits.shift();
}

/** Returns the error to throw for a step, after noting it in the ledger. */
async function failureOf(work: StepWork, thrown: unknown, message: readonly Sent[]): Promise<unknown> {
  const failed = thrown instanceof StatementFailed ? thrown : undefined;
  const error = failed?.cause ?? thrown;
  const named = nameTransient(error);
  if (named instanceof SluiceError || !isPostgresError(error)) return named;
  const { step, file, failure, session } = work;
  const sent = message[failed?.index ?? 0];
  const statement = step.statements[sent?.statement ?? 0];
  if (!statement) return error;
  if (error.position !== undefined) error.position = String(Number(error.position) - (sent?.prefix ?? 0));
  const words = describeStatementError(file.path, `step "${step.name}"`, statement, error);
  await session.exec(noteFailure(work, words)).catch(() => undefined);
  return new SluiceError(failure, words, { cause: error });
}
