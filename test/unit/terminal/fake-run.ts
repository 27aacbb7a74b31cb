import type { Decision, End, GateDoc } from "../../../lambdas/shared/documents.ts";
import { EventQueue } from "../../../local/event-queue.ts";
import type {
  LocalEnd,
  LocalRun,
  OpenGate,
  Phase,
  Rehearse,
  RehearseOptions,
  RunEvent,
} from "../../../local/events.ts";
import { emptyReport } from "../gate/reports.ts";

export const PHASES: Phase[] = [
  { phase: "Admit", states: ["Admit the run", "Preflight"] },
  { phase: "Gate: readiness", states: ["Gate: readiness", "Confirm: readiness"] },
  { phase: "Rehearse", states: ["Restore staging", "Apply 002 to staging"] },
  { phase: "Migrate", states: ["Apply 002 to production", "Gate: after 002"] },
  { phase: "Open", states: ["Lift the fence"] },
  { phase: "Roll back", states: ["Roll back 002"] },
  { phase: "Restore", states: ["Restore production"] },
  { phase: "Close", states: ["Write the report"] },
];

export const EVIDENCE = "/evidence/run-1";
export const LINK = "http://127.0.0.1:4321/gates/run-1/readiness/1?key=k";

/** A time so many seconds after the start of the run. */
export function at(seconds: number): Date {
  return new Date(Date.UTC(2026, 10, 3) + seconds * 1000);
}

export const started: RunEvent = {
  type: "started",
  run: "run-1",
  plan: "Notes with labels",
  phases: PHASES,
  evidence: EVIDENCE,
};

export function entered(state: string, seconds: number): RunEvent {
  return { type: "entered", state, phase: phaseOf(state), at: at(seconds) };
}

export function left(state: string, seconds: number): RunEvent {
  return { type: "left", state, phase: phaseOf(state), at: at(seconds) };
}

export function failed(state: string, seconds: number, willRetry: boolean, message = "it broke"): RunEvent {
  return {
    type: "failed",
    state,
    phase: phaseOf(state),
    at: at(seconds),
    error: "StatementFailed",
    message,
    willRetry,
  };
}

export function done(state: string, from: number, to: number): RunEvent[] {
  return [entered(state, from), left(state, to)];
}

export function ended(end: End = "Succeeded", leftBehind: string[] = []): RunEvent & { type: "ended" } {
  return { type: "ended", end: endOf(end, leftBehind) };
}

export function endOf(end: End, leftBehind: string[] = []): LocalEnd {
  const report = { ...emptyReport("run-1"), end, leftToDo: ["Correct the cause."] };
  return { end, cause: `${end}: this is why.`, report, evidence: EVIDENCE, leftBehind, neverReached: [] };
}

/** A gate that tests can answer as if on its page. */
export class FakeGate implements OpenGate {
  readonly link = LINK;
  readonly summary = [
    { title: "Run", lines: ["Still running: so far.", "Plan Notes with labels"] },
    { title: "Preflight", lines: ["12 checks passed"] },
  ];
  readonly doc: GateDoc;
  readonly closed: Promise<{ decision: Decision; by: string } | undefined>;
  readonly decisions: { decision: Decision; by: string; comment: string }[] = [];
  private close: (answer: { decision: Decision; by: string } | undefined) => void = () => undefined;
  private answered: { decision: Decision; by: string } | "no answer" | undefined;
  private noticed = true;

  constructor(
    gate = "readiness",
    kind: GateDoc["kind"] = "readiness",
    readonly typed?: string | undefined,
  ) {
    this.doc = {
      gate,
      kind,
      version: null,
      attempt: 1,
      escalation: false,
      question: "begin?",
      checklist: ["The team is there"],
      openedAt: at(0).toISOString(),
      expiresAt: at(3600).toISOString(),
      keyHash: "",
      basis: { fingerprint: null, planChecksum: "", report: "" },
      changed: [],
      go: "The rehearsal begins.",
      noGo: "The run ends as Refused.",
    };
    this.closed = new Promise((resolve) => {
      this.close = resolve;
    });
  }

  async decide(decision: Decision, by: string, comment: string): Promise<"decided" | "counted" | "before"> {
    if (this.answered) return "before";
    this.decisions.push({ decision, by, comment });
    if (decision === "Go" && this.decisions.length < (this.doc.quorum?.approvals ?? 1)) return "counted";
    this.answer(decision, by);
    return "decided";
  }

  /** Answered by somebody else. */
  answer(decision: Decision, by: string): void {
    this.answered = { decision, by };
    if (this.noticed) this.close(this.answered);
  }

  async look(): Promise<{ decision: Decision; by: string } | undefined> {
    return this.answered === "no answer" ? undefined : this.answered;
  }

  /** Answers are stored, and do not close the gate yet. */
  notLookedAt(): this {
    this.noticed = false;
    return this;
  }

  timeIsOver(): void {
    this.answered = "no answer";
    this.close(undefined);
  }
}

/** A run that reports what a test makes it report. */
export class FakeRun implements LocalRun {
  readonly run = "run-1";
  readonly events = new EventQueue<RunEvent>();
  readonly end: Promise<LocalEnd>;
  options: RehearseOptions | undefined;
  stops = 0;
  private onStop: () => void = () => undefined;
  private resolve: (end: LocalEnd) => void = () => undefined;
  private reject: (error: Error) => void = () => undefined;

  constructor(...events: RunEvent[]) {
    this.end = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.end.catch(() => undefined);
    this.tell(...events);
  }

  readonly start: Rehearse = async (options) => {
    this.options = options;
    return this;
  };

  stop(): void {
    this.stops++;
    this.onStop();
  }

  whenStopped(act: () => void): this {
    this.onStop = act;
    return this;
  }

  tell(...events: RunEvent[]): this {
    for (const event of events) {
      this.events.push(event);
      if (event.type !== "ended") continue;
      this.events.end();
      this.resolve(event.end);
    }
    return this;
  }

  breakOff(error: Error): void {
    this.reject(error);
    this.events.end();
  }
}

function phaseOf(state: string): string {
  return PHASES.find(({ states }) => states.includes(state))?.phase ?? "";
}
