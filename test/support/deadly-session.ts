import type { Session } from "../../lambdas/shared/session.ts";

/** The database call at which a worker ends itself: just before sending it, or while the server runs it. */
export interface Kill {
  call: number;
  when: "before" | "during";
}

/** Counts a worker's database calls, and ends its process with SIGKILL at one of them. */
export class DeadlyCalls {
  count = 0;

  /** @param duringMs how long after sending the process ends itself */
  constructor(
    private readonly kill: Kill | undefined,
    private readonly duringMs: number,
  ) {}

  of(session: Session): Session {
    return {
      query: (text, params) => this.call(() => session.query(text, params)) as never,
      exec: (text) => this.call(() => session.exec(text)),
      together: (statements) => this.call(() => session.together(statements)),
    };
  }

  private call<T>(send: () => Promise<T>): Promise<T> {
    this.count++;
    if (this.count !== this.kill?.call) return send();
    if (this.kill.when === "before") die();
    setTimeout(die, this.duringMs);
    // The worker must not act on the answer any more.
    return send().then(
      () => new Promise<T>(() => undefined),
      () => new Promise<T>(() => undefined),
    );
  }
}

function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("unreachable");
}
