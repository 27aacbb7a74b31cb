/** What goes wrong, or otherwise than hoped for, in a state that a walk enters. */
export type Fault =
  | {
      state: string;
      kind: "error";
      /** Name of the error: one of ours, `States.Timeout` for a worker that did not answer, or one that nobody names. */
      error: string;
      /** Before it did anything, or after all of its work, so that only its answer is lost. */
      when: "before" | "after";
      /** Each time it is tried, until the machine gives up, or only the first time. */
      tries: "every" | "first";
    }
  /** What the state waits for comes to a status that it will not leave by itself. */
  | { state: string; kind: "status" }
  /** A person says No-Go. */
  | { state: string; kind: "no" }
  /** Nobody answers in time. */
  | { state: string; kind: "silence" };

/** A worker that was killed, or had not answered when its time was over. */
export const TIMEOUT = "States.Timeout";
/** An error that has none of the agreed names. */
export const UNNAMED = "TypeError";

export function faultText(fault: Fault): string {
  const { state, kind } = fault;
  if (kind !== "error") return `${state}: ${kind}`;
  return `${state}: ${fault.error} ${fault.when} its work${fault.tries === "first" ? ", once" : ""}`;
}

export const fails = (state: string, error: string): Fault => ({
  state,
  kind: "error",
  error,
  when: "before",
  tries: "every",
});
