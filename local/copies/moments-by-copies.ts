import type { Moments } from "../../lambdas/shared/ports.ts";

/** What a fleet has of its own for copies of an instance. */
interface Copies {
  copy(name: string, instance: string): Promise<void>;
  isThere(name: string): Promise<boolean>;
  restore(name: string, instance: string): Promise<undefined>;
  remove(name: string): Promise<void>;
}

/** Moments of a fleet that archives no WAL: each is kept by a copy, made when it is noted. */
export function momentsByCopies({ copy, isThere, restore, remove }: Copies): Moments {
  return {
    by: "copy",
    baseAt: async () => undefined,
    hold: async ({ name, instance }) => {
      if (!(await isThere(name))) await copy(name, instance);
      return true;
    },
    describe: async ({ name, moment: { at } }) =>
      (await isThere(name))
        ? { status: "available", statusText: "A copy of it is there.", from: at, until: at }
        : { status: "failed", statusText: "Its copy is not there." },
    startRestore: ({ name }, instance) => restore(name, instance),
    release: ({ name }) => remove(name),
  };
}
