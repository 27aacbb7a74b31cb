import { setTimeout as sleep } from "node:timers/promises";
import type { LedgerKey, StepRow, Wait } from "../ledger/ledger.ts";
import { type ErrorName, isPostgresError, nameTransient, SluiceError } from "../shared/errors.ts";
import type { SqlFile, Step } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { type OpenSession, type Session, StatementFailed } from "../shared/session.ts";
import { describeStatementError } from "../shared/statement-error.ts";
import { mustLeave } from "../shared/task.ts";
import { noteFailure, noteGaveWay, noteOf, type StepPlace } from "./ledger-writes.ts";
import { blockersInWords, type Sight, WORKER_MARGIN_MS, watched } from "./observe.ts";

/** A statement of a message. */
interface Part {
  sql: string;
  /** Index of the step's statement that errors refer to. */
  statement: number;
  /** Characters before the step's own text. */
  prefix: number;
}

/** Statements that are sent together. */
export interface Message {
  readonly parts: readonly Part[];
}

/** A message for a step of one statement: that statement, or one of our own, outside a transaction. */
export function singleStatement(sql: string): Message {
  return { parts: [{ sql, statement: 0, prefix: 0 }] };
}

/** A statement of the step, and what is sent right before and after it. */
interface StatementParts {
  before?: readonly string[];
  sql: string;
  /** Text that makes the statement a part of a larger one. */
  within?: { before: string; after: string };
  after?: readonly string[];
}

/** Builds a transaction that is one message. Call its parts in the order in which they are sent. */
export class TransactionMessage implements Message {
  private readonly sent: Part[] = [];
  private readonly last: number;

  constructor({ file, step }: Pick<RunningStep, "file" | "step">) {
    this.last = step.statements.length - 1;
    // The comment names the step in pg_stat_activity.
    this.add(0, [`/* ${file.path}:${step.line} ${step.name.replaceAll("*/", "* /")} */ BEGIN`]);
  }

  get parts(): readonly Part[] {
    return this.sent;
  }

  /** Statements of our own before the step's: errors refer to its first one. */
  opening(...statements: readonly string[]): this {
    return this.add(0, statements);
  }

  /** A statement of the step, by its index: errors refer to it. */
  statement(index: number, { before = [], sql, within, after = [] }: StatementParts): this {
    this.add(index, before);
    if (within)
      this.sent.push({
        sql: `${within.before}${sql}${within.after}`,
        statement: index,
        prefix: within.before.length,
      });
    else this.add(index, [sql]);
    return this.add(index, after);
  }

  /** Statements of our own after the step's, and the commit: errors refer to its last one. */
  closing(...statements: readonly string[]): this {
    return this.add(this.last, [...statements, "COMMIT"]);
  }

  private add(statement: number, statements: readonly string[]): this {
    this.sent.push(...statements.map((sql) => ({ sql, statement, prefix: 0 })));
    return this;
  }
}

/**
 * Result of a step, or of a part of it. `leave`: this worker must leave; `detached`: and its statement still runs.
 */
export type StepResult = "done" | "leave" | "detached";

/** What a former worker left of a step. */
export interface Former {
  /** The step's ledger row. */
  row: StepRow | undefined;
  /** What its statement waited for when it was canceled. */
  overdue: Wait | undefined;
}

/** What a step is given to run. */
export type StepFacts = Pick<
  RunningStep,
  "key" | "ordinal" | "file" | "failure" | "noticesRewrites" | "ports" | "session" | "pid" | "beside"
>;

/** How a message is sent. */
interface Sending {
  /** The session that sends it. */
  session: Session;
  /** Receives observations of the running statement. */
  onSight?(sight: Sight, cancel: () => Promise<void>): Promise<void>;
  /** Runs before each further try. */
  beforeAgain?(): Promise<StepResult>;
}

/** How often the messages of one series gave way to a lock. */
interface Tries {
  gaveWay: number;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
const MOST_WAITS = 20;
const REPORT_EVERY_MS = 1_000;

/** A step that this worker runs. It sends the step's messages, and keeps count of its tries and waits. */
export class RunningStep<S extends Step = Step> implements StepPlace<S> {
  readonly key: LedgerKey;
  readonly ordinal: number;
  readonly worker: string;
  readonly file: SqlFile;
  /** Error name for a statement that fails. */
  readonly failure: ErrorName;
  readonly noticesRewrites: boolean;
  readonly ports: Ports;
  readonly session: Session;
  /** Process id of the session, for observers. */
  readonly pid: number;
  /** Opens another session to observe; undefined if only one is possible. */
  readonly beside: OpenSession | undefined;

  private readonly tries: Tries;
  private readonly waits: Wait[];
  private reportedAt = performance.now();

  /** The tries and waits of a former worker count. */
  constructor(
    readonly step: S,
    facts: StepFacts,
    { row }: Former,
  ) {
    this.key = facts.key;
    this.ordinal = facts.ordinal;
    this.worker = facts.ports.worker;
    this.file = facts.file;
    this.failure = facts.failure;
    this.noticesRewrites = facts.noticesRewrites;
    this.ports = facts.ports;
    this.session = facts.session;
    this.pid = facts.pid;
    this.beside = facts.beside;
    this.tries = { gaveWay: row?.gaveWay ?? 0 };
    this.waits = [...(row?.waits ?? [])];
  }

  /** Its name, after its place in the file. */
  get nameInFile(): string {
    return `${this.file.path}:${this.step.line}: step "${this.step.name}"`;
  }

  /** Runs it in the way of its kind, and notes what it waited for once it is done. */
  async run(way: (running: this) => Promise<StepResult>): Promise<StepResult> {
    const result = await way(this);
    if (result === "done" && this.waits.length > 0)
      await this.session.exec(noteOf(this, "waits", this.waits));
    return result;
  }

  /**
   * Sends a message that takes effect as a whole or not at all, and sends it again if it gave way to a lock. Each pause
   * is longer and jittered, so that the application gets its turn. Every try has the same lock timeout; no try waits
   * without limit.
   * @throws SluiceError with file, line, statement and the server's message for a statement that fails
   */
  async send(message: Message): Promise<StepResult> {
    return await this.sendUntilDone(message, this.tries, { session: this.session });
  }

  /** Sends statements of our own as one transaction, which gives way like a step's. */
  async sendOwn(statements: readonly string[]): Promise<StepResult> {
    return await this.send(new TransactionMessage(this).opening(...statements).closing());
  }

  /**
   * Sends the statement of a step outside a transaction in the same way. Its tries count apart, so that the note that
   * it is done has tries of its own.
   */
  async sendOutside(sql: string, sending: Sending): Promise<StepResult> {
    return await this.sendUntilDone(singleStatement(sql), { gaveWay: this.tries.gaveWay }, sending);
  }

  private async sendUntilDone(
    message: Message,
    tries: Tries,
    { session, onSight, beforeAgain }: Sending,
  ): Promise<StepResult> {
    const { ports, pid, beside } = this;
    const statements = message.parts.map(({ sql }) => sql);
    for (;;) {
      try {
        const became = await watched(session.together(statements), {
          ports,
          pid,
          beside,
          firstLookMs: Math.min(200, ports.settings.lockTimeoutMs / 3),
          onSight: async (sight, cancel) => {
            this.noteSight(sight);
            await onSight?.(sight, cancel);
          },
        });
        return became === "left" ? "detached" : "done";
      } catch (error) {
        if (statements.length > 1) await session.exec("ROLLBACK").catch(() => undefined);
        const cause = error instanceof StatementFailed ? error.cause : error;
        if (!isLockError(cause)) throw await this.failureOf(error, message);
        await this.giveWay(cause, tries);
      }
      if (!(await pause(ports, tries))) return "leave";
      const ready = (await beforeAgain?.()) ?? "done";
      if (ready !== "done") return ready;
    }
  }

  /** @throws SluiceError LockTimeout after the last try */
  private async giveWay(error: Error, tries: Tries): Promise<void> {
    const { ports, step, session } = this;
    tries.gaveWay++;
    await session.exec(noteGaveWay(this, tries.gaveWay, this.waits));
    const wait = this.waits.at(-1);
    const whom = wait ? ` Held up by ${blockersInWords(wait)}.` : "";
    if (tries.gaveWay >= ports.settings.lockTries)
      throw new SluiceError(
        "LockTimeout",
        `${this.nameInFile} gave way ${tries.gaveWay} times: ${error.message}.${whom}`,
        { cause: error },
      );
    ports.progress(`${step.name}: gave way (${error.message}), trying again.${whom}`);
  }

  /** Reports the progress, but not too often, and keeps the latest waits. */
  private noteSight({ words, wait }: Sight): void {
    const now = performance.now();
    if (now - this.reportedAt >= REPORT_EVERY_MS) {
      this.reportedAt = now;
      this.ports.progress(`${this.step.name}: ${words}`);
    }
    if (!wait) return;
    const last = this.waits.at(-1);
    // The same wait, now longer.
    if (last && last.at === wait.at && last.relation === wait.relation) this.waits.pop();
    this.waits.push(wait);
    if (this.waits.length > MOST_WAITS) this.waits.shift();
  }

  /** Returns the error to throw for a step, after noting it in the ledger. */
  private async failureOf(thrown: unknown, message: Message): Promise<unknown> {
    const failed = thrown instanceof StatementFailed ? thrown : undefined;
    const error = failed?.cause ?? thrown;
    const named = nameTransient(error);
    if (named instanceof SluiceError || !isPostgresError(error)) return named;
    const { step, file, failure, session } = this;
    const part = message.parts[failed?.index ?? 0];
    const statement = step.statements[part?.statement ?? 0];
    if (!statement) return error;
    if (error.position !== undefined) error.position = String(Number(error.position) - (part?.prefix ?? 0));
    const words = describeStatementError(file.path, `step "${step.name}"`, statement, error);
    await session.exec(noteFailure(this, words)).catch(() => undefined);
    return new SluiceError(failure, words, { cause: error });
  }
}

/** 55P03: the lock was not granted in time. 40P01: this session was chosen to end a deadlock. */
function isLockError(error: unknown): error is Error {
  return isPostgresError(error) && (error.code === "55P03" || error.code === "40P01");
}

/** False: this worker must leave. */
async function pause(ports: Ports, { gaveWay }: Tries): Promise<boolean> {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (gaveWay - 1));
  const ms = longest * (0.5 + Math.random() / 2);
  if (mustLeave(ports, WORKER_MARGIN_MS + ms)) return false;
  await sleep(ms);
  return true;
}
