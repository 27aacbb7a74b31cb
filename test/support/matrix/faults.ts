/** A failure or an unwanted answer in a state that a walk enters. */
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
  /** The state waits for a resource that enters a status which it does not leave by itself. */
  | { state: string; kind: "status" }
  /** A person gives a No-Go. */
  | { state: string; kind: "no" }
  /** Nobody answers in time. */
  | { state: string; kind: "silence" };

/** A worker that was killed, or did not answer in time. */
export const TIMEOUT = "States.Timeout";
/** An error without an agreed name. */
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
