/** A mistake in a plan: the file, the place in it (a key or a line), and what is wrong. */
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

/** A path of keys and list indexes, such as `migrations[1].folder`; empty for the whole document. */
export function keyPath(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}

/** All mistakes found in a plan, in the order of its files; each is a line of the message. */
export class PlanErrors extends Error {
  override readonly name = "PlanErrors";
  readonly mistakes: readonly PlanError[];
  constructor(found: readonly PlanError[]) {
    const mistakes = inOrder(found);
    super(mistakes.map(({ message }) => message).join("\n"));
    this.mistakes = mistakes;
  }
}

/** By file, plan.yaml first; within a file by line, if known. */
function inOrder(mistakes: readonly PlanError[]): PlanError[] {
  const files = new Set(["plan.yaml", ...mistakes.map(({ file }) => file)]);
  const lineOf = ({ where, reason }: PlanError) =>
    Number(/^line (\d+)/.exec(where)?.[1] ?? /\(line (\d+)\)$/.exec(reason)?.[1] ?? 0);
  return [...files].flatMap((file) =>
    mistakes.filter((mistake) => mistake.file === file).sort((a, b) => lineOf(a) - lineOf(b)),
  );
}

/** Collects mistakes while a plan is read, so that one does not hide the next. */
export class Mistakes {
  readonly found: PlanError[] = [];

  add(file: string, where: string, reason: string): void {
    this.found.push(new PlanError(file, where, reason));
  }

  /** Returns the result of the work; undefined if it threw mistakes, which are noted. */
  in<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.note(error);
      return undefined;
    }
  }

  async within<T>(work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.note(error);
      return undefined;
    }
  }

  /** @throws PlanErrors if there are any mistakes */
  refuse(): void {
    if (this.found.length > 0) throw new PlanErrors(this.found);
  }

  private note(error: unknown): void {
    if (error instanceof PlanErrors) this.found.push(...error.mistakes);
    else if (error instanceof PlanError) this.found.push(error);
    else throw error;
  }
}
