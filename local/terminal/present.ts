import type { LocalEnd, LocalRun, OpenGate } from "../events.ts";
import { type Answers, answerBeforehand } from "./answers.ts";
import { ask } from "./ask.ts";
import { gateLine, gateText } from "./gate-text.ts";
import { Interrupts } from "./interrupts.ts";
import type { Paint } from "./paint.ts";
import type { Streams } from "./streams.ts";
import type { Surface } from "./surface.ts";
import { type Answer, EMPTY, type RunView, reduce, type ViewEvent } from "./view.ts";
import { answerText } from "./words.ts";

export interface Presentation {
  streams: Streams;
  surface: Surface;
  answers: Answers;
  paint: Paint;
  /** Somebody sits at the terminal and can be asked there. */
  canAsk: boolean;
  /** Gates are told as one line. */
  brief: boolean;
}

/** Where a run was when the command was left at once. */
export interface Progress {
  view: RunView;
  evidence: string | undefined;
}

/**
 * Shows a run to its end, has its gates answered and passes Ctrl-C on.
 * @throws LeftAtOnce at the second Ctrl-C
 */
export async function present(
  run: LocalRun,
  presentation: Presentation,
  progress: Progress,
): Promise<LocalEnd> {
  const shown = new Shown(run, presentation, progress);
  try {
    return await shown.toTheEnd();
  } finally {
    await shown.close();
  }
}

class Shown {
  private readonly interrupts: Interrupts;
  private readonly stopped = new AbortController();

  constructor(
    private readonly run: LocalRun,
    private readonly presentation: Presentation,
    private readonly progress: Progress,
  ) {
    this.interrupts = new Interrupts(presentation.streams.signals, () => {
      this.stopped.abort();
      run.stop();
      void this.tell({ type: "stopping" });
    });
    // Whoever waits for a gate learns of it; nobody else must.
    run.end.catch(() => undefined);
  }

  async toTheEnd(): Promise<LocalEnd> {
    await Promise.race([this.follow(), this.interrupts.left]);
    return await this.run.end;
  }

  async close(): Promise<void> {
    this.interrupts.close();
    await this.presentation.surface.close();
  }

  private async follow(): Promise<void> {
    for await (const event of this.run.events) {
      if (event.type === "started") this.progress.evidence = event.evidence;
      await this.tell(event);
      if (event.type === "gate") await this.tell({ type: "answered", answer: await this.pass(event.gate) });
    }
  }

  private async tell(event: ViewEvent): Promise<void> {
    const before = this.progress.view;
    this.progress.view = reduce(before, event);
    await this.presentation.surface.show(before, this.progress.view, event);
  }

  /** Has the gate answered, by whoever is first. */
  private async pass(gate: OpenGate): Promise<Answer | undefined> {
    // A run that breaks off closes no gate any more.
    const closed = Promise.race([gate.closed, this.run.end.then(() => undefined)]);
    const beforehand = answerBeforehand(gate.doc, this.presentation.answers);
    if (beforehand && !this.stopped.signal.aborted)
      await this.give(gate, beforehand.decision, beforehand.by, beforehand.comment);
    else await this.askPeople(gate, closed);
    return await closed;
  }

  private async give(
    gate: OpenGate,
    ...[decision, by, comment]: Parameters<OpenGate["decide"]>
  ): Promise<void> {
    try {
      await gate.decide(decision, by, comment);
    } catch (error) {
      // A Go that cannot be given is none: the run goes back by its own way rather than wait for nobody.
      await gate.decide("NoGo", by, error instanceof Error ? error.message : String(error));
    }
  }

  private async askPeople(gate: OpenGate, closed: Promise<Answer | undefined>): Promise<void> {
    const { surface, paint, streams, brief, canAsk, answers } = this.presentation;
    const columns = streams.stdout.isTTY ? streams.stdout.columns : undefined;
    await surface.hold(brief ? [gateLine(gate)] : gateText(gate, paint, columns));
    if (!canAsk || this.stopped.signal.aborted) return await surface.resume();

    const answeredElsewhere = new AbortController();
    void closed.finally(() => answeredElsewhere.abort()).catch(() => undefined);
    const signal = AbortSignal.any([answeredElsewhere.signal, this.stopped.signal]);
    while (!signal.aborted) {
      const asked = await ask(streams, { signal, onInterrupt: () => this.interrupts.press() });
      if (!asked) break;
      try {
        if (!(await gate.decide(asked.decision, answers.user, asked.comment)))
          await this.sayWhoWasFirst(closed);
        break;
      } catch (error) {
        await surface.hold([`  ${error instanceof Error ? error.message : String(error)}`]);
      }
    }
    if (answeredElsewhere.signal.aborted && !this.stopped.signal.aborted) await this.sayWhoWasFirst(closed);
    await surface.resume();
  }

  private async sayWhoWasFirst(closed: Promise<Answer | undefined>): Promise<void> {
    await this.presentation.surface.hold([`  Answered already: ${answerText((await closed) ?? null)}`]);
  }
}
