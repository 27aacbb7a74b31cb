import type { Callbacks } from "../lambdas/shared/ports.ts";

/** Answers to waiting gates, in process. */
export class LocalCallbacks implements Callbacks {
  private readonly waiting = new Map<string, (output: unknown) => void>();

  /** Resolves with the answer to that token. */
  wait(token: string): Promise<unknown> {
    return new Promise((resolve) => this.waiting.set(token, resolve));
  }

  async succeed(token: string, output: unknown): Promise<boolean> {
    const resolve = this.waiting.get(token);
    this.waiting.delete(token);
    resolve?.(output);
    return resolve !== undefined;
  }
}
