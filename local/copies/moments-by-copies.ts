import type { Moments } from "../../lambdas/shared/ports.ts";

/** Functions of these instances for copies of one. */
interface Copies {
  copy(name: string, instance: string): Promise<void>;
  isThere(name: string): Promise<boolean>;
  restore(name: string, instance: string): Promise<undefined>;
  remove(name: string): Promise<void>;
}

/** Moments of instances that archive no WAL: a copy, made when the moment is noted, keeps each. */
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
        ? { status: "available", statusText: "There is a copy of it.", from: at, until: at }
        : { status: "failed", statusText: "Its copy is missing." },
    startRestore: ({ name }, instance) => restore(name, instance),
    release: ({ name }) => remove(name),
  };
}
