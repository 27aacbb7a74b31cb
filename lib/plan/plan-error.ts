/** A mistake in a plan: which file, where in it (a key or a line), and what is wrong. */
export class PlanError extends Error {
  override readonly name = "PlanError";
  constructor(
    readonly file: string,
    readonly where: string,
    readonly reason: string,
  ) {
    super(`${file}: ${where}: ${reason}`);
  }
}

/** All mistakes that a plan was found to have, in the order of its files; each is a line of the message. */
export class PlanErrors extends Error {
  override readonly name = "PlanErrors";
  constructor(readonly mistakes: readonly PlanError[]) {
    super(mistakes.map(({ message }) => message).join("\n"));
  }
}

/** What is noted while a plan is read, so that one mistake does not hide the next. */
export class Mistakes {
  readonly found: PlanError[] = [];

  add(file: string, where: string, reason: string): void {
    this.found.push(new PlanError(file, where, reason));
  }

  /** What the work gives; undefined where it threw mistakes, which are noted. */
  in<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.note(error);
      return undefined;
    }
  }

  async within<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.note(error);
      return undefined;
    }
  }

  /** @throws PlanErrors where there are any */
  refuse(): void {
    if (this.found.length > 0) throw new PlanErrors(this.found);
  }

  private note(error: unknown): void {
    if (error instanceof PlanErrors) this.found.push(...error.mistakes);
    else if (error instanceof PlanError) this.found.push(error);
    else throw error;
  }
}
