import { isForPeopleAlone } from "../../lambdas/shared/gates.ts";
import { visible, visibleIn } from "../../lambdas/shared/text.ts";
import type { OpenGate, RunEvent } from "../events.ts";
import { type Answers, answerBeforehand } from "./answers.ts";
import { ask } from "./ask.ts";
import { gateLine, gateQuestion, gateText } from "./gate-text.ts";
import { Interrupts } from "./interrupts.ts";
import type { Paint } from "./paint.ts";
import type { Streams } from "./streams.ts";
import type { Surface } from "./surface.ts";
import { type Answer, currentRow, EMPTY, reduce, type ViewEvent } from "./view.ts";
import { answerText, STOPPING } from "./words.ts";

export interface Presentation {
  streams: Streams;
  surface: Surface;
  answers: Answers;
  paint: Paint;
  /** Whether a person at the terminal can be asked. */
  canAsk: boolean;
  /** Whether gates are shown in one line. */
  brief: boolean;
}

/** Where a run was when the command left it. */
export interface Left {
  run: string;
  evidence: string | undefined;
  phase: string | undefined;
  state: string | undefined;
}

/** A local run, or a rollout of several. */
export interface Shown<End> {
  run: string;
  events: AsyncIterable<RunEvent>;
  stop(): void;
  end: Promise<End>;
}

/** Shows a run to its end, or until it is left at once; has its gates answered; passes Ctrl-C on. */
export async function present<End>(
  run: Shown<End>,
  presentation: Presentation,
): Promise<{ end: End } | { left: Left }> {
  const shown = new ShownRun(run, presentation);
  try {
    return await shown.untilEndOrLeft();
  } finally {
    await shown.close();
  }
}

class ShownRun<End> {
  private readonly interrupts: Interrupts;
  private readonly stopped = new AbortController();
  private view = EMPTY;
  private evidence: string | undefined;
  /** Whether the open question needs a person: then it stays open while the run stops. */
  private asksOn = false;

  constructor(
    private readonly run: Shown<End>,
    private readonly presentation: Presentation,
  ) {
    this.interrupts = new Interrupts(presentation.streams.signals, () => this.stop());
    // Handled when the events are over; until then it must not be an unhandled rejection.
    run.end.catch(() => undefined);
  }

  async untilEndOrLeft(): Promise<{ end: End } | { left: Left }> {
    const left = this.interrupts.left.then(() => {
      const current = currentRow(this.view);
      const [phase, state] = [current?.phase.phase, current?.row.state];
      return { left: { run: this.run.run, evidence: this.evidence, phase, state } };
    });
    return await Promise.race([this.follow(), left]);
  }

  async close(): Promise<void> {
    this.interrupts.close();
    await this.presentation.surface.close();
  }

  private stop(): void {
    this.stopped.abort();
    this.run.stop();
    void this.update({ type: "stopping" });
    if (this.asksOn) void this.presentation.surface.hold(["", `  ${STOPPING}`]);
  }

  private async follow(): Promise<{ end: End }> {
    for await (const told of this.run.events) {
      const event = shownEvent(told);
      if (event.type === "started") this.evidence = event.evidence;
      await this.update(event);
      if (event.type === "gate") await this.update({ type: "answered", answer: await this.pass(event.gate) });
    }
    return { end: await this.run.end };
  }

  private async update(event: ViewEvent): Promise<void> {
    const before = this.view;
    this.view = reduce(before, event);
    await this.presentation.surface.show(before, this.view, event);
  }

  /** Has the gate answered; the first answer counts. */
  private async pass(gate: OpenGate): Promise<Answer | undefined> {
    // A run that breaks off closes no gate. A run may also end so soon after an answer that only a look finds the answer.
    const closed = Promise.race([gate.closed, this.run.end.then(() => gate.look())]);
    closed.catch(() => undefined);
    const asksOn = isForPeopleAlone(gate.doc) || isOfHeldWave(gate.doc);
    // A run that stops refuses its other gates itself.
    if (!this.stopped.signal.aborted || asksOn) {
      const beforehand = answerBeforehand(gate.doc, this.presentation.answers);
      if (beforehand) await giveBeforehand(gate, beforehand);
      else await this.askPeople(gate, closed, asksOn);
    }
    return visibleIn(await closed);
  }

  private async askPeople(
    gate: OpenGate,
    closed: Promise<Answer | undefined>,
    asksOn: boolean,
  ): Promise<void> {
    const { surface, paint, streams, brief, canAsk } = this.presentation;
    const columns = streams.stdout.isTTY ? streams.stdout.columns : undefined;
    await surface.hold(brief ? [gateLine(gate)] : gateText(gate, paint, columns));
    if (canAsk) {
      const over = new AbortController();
      void closed.finally(() => over.abort()).catch(() => undefined);
      this.asksOn = asksOn;
      const signal = asksOn ? over.signal : AbortSignal.any([over.signal, this.stopped.signal]);
      const answered = await this.askHere(gate, signal);
      this.asksOn = false;
      const others = over.signal.aborted ? await closed : undefined;
      if (answered !== "here" && others)
        await surface.hold([`  Answered elsewhere: ${visible(answerText(others))}`]);
      else if (answered === "not here" && !signal.aborted)
        await surface.hold(["  Waiting for an answer on the page."]);
    }
    await surface.resume();
  }

  private async askHere(gate: OpenGate, signal: AbortSignal): Promise<"here" | "not here" | "before"> {
    const { surface, streams, answers } = this.presentation;
    for (;;) {
      const onInterrupt = () => this.interrupts.press();
      const asked = await ask(streams, { signal, onInterrupt, about: gateQuestion(gate), typed: gate.typed });
      if (!asked) return "not here";
      try {
        const outcome = await gate.decide(asked.decision, answers.user, asked.comment);
        if (outcome !== "counted") return outcome === "decided" ? "here" : "before";
        await surface.hold(["  Counted. Another person must also say Go, on the page."]);
      } catch (error) {
        await surface.hold([`  ${visible(messageOf(error))}`]);
      }
    }
  }
}

/** The runs of a held wave wait for its answer, with their applications in, also while the rollout stops. */
function isOfHeldWave({ kind, gate }: OpenGate["doc"]): boolean {
  return kind === "wave" && gate.startsWith("keep-");
}

/** Makes control characters visible: the texts come from plans, servers and people, and are colored after this. */
function shownEvent(event: RunEvent): RunEvent {
  if (event.type !== "gate") return visibleIn(event);
  const { gate } = event;
  return {
    type: "gate",
    gate: {
      doc: visibleIn(gate.doc),
      summary: visibleIn(gate.summary),
      link: gate.link,
      typed: gate.typed,
      decide: (...answer) => gate.decide(...answer),
      closed: gate.closed,
      look: () => gate.look(),
    },
  };
}

async function giveBeforehand(
  gate: OpenGate,
  { decision, by, comment }: { decision: "Go" | "NoGo"; by: string; comment: string },
): Promise<void> {
  try {
    // A flag answers for as many people as the gate needs. A run on a real database has no such flags.
    for (let n = 1, outcome = "counted"; outcome === "counted"; n++)
      outcome = await gate.decide(decision, n === 1 ? by : `${n}. ${by}`, comment);
  } catch (error) {
    // A refused Go becomes a No-Go: the run goes back its own way instead of waiting for nobody.
    await gate.decide("NoGo", by, messageOf(error));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
