import type { RunEvidence } from "./evidence.ts";
import type { Clock } from "./ports.ts";

/** So much work may be lost with a worker that is killed: it is done again. Milliseconds. */
const MOST_LOST_MS = 10_000;

/**
 * Pieces of work that end up in one document. While it has taken less than ten seconds a worker holds them in memory;
 * from then on each is kept as soon as it is there, so that another worker can go on.
 */
export class Draft {
  private readonly held = new Map<string, unknown>();
  private readonly began: number;
  private kept: Promise<void> | undefined;

  private constructor(
    private readonly evidence: RunEvidence,
    private readonly clock: Clock,
    private readonly first: string,
  ) {
    this.began = clock.now().getTime();
  }

  /** @param first the piece that the others build on; where it is in the evidence, a former worker is gone on from */
  static async begin(evidence: RunEvidence, clock: Clock, first: string): Promise<Draft> {
    const draft = new Draft(evidence, clock, first);
    if ((await evidence.read(first)) !== undefined) draft.kept = Promise.resolve();
    return draft;
  }

  /** The piece of that name, or `make`'s. */
  async once<T>(name: string, make: () => Promise<T>): Promise<T> {
    if (this.held.has(name)) return this.held.get(name) as T;
    if (this.kept) {
      await this.kept;
      return await this.evidence.once(name, make);
    }
    const value = await make();
    this.held.set(name, value);
    if (this.kept || this.clock.now().getTime() - this.began > MOST_LOST_MS) {
      await this.keep();
      await this.evidence.keep(name, value);
    }
    return value;
  }

  /** Keeps what there is so far: this worker leaves, or what it may lose is enough. */
  keep(): Promise<void> {
    this.kept ??= this.keepAll();
    return this.kept;
  }

  private async keepAll(): Promise<void> {
    for (const [name, value] of this.held) {
      const kept = await this.evidence.keep(name, value);
      // Pieces of two workers do not go together.
      if (name === this.first && kept !== value)
        throw new Error(`Another worker began ${name} meanwhile, and is gone on from`);
    }
  }
}
