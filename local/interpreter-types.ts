/** The interpreter's report on a run, as far as it is used here. */
export interface EventLog {
  type: "StateEntered" | "StateExited" | "StateFailed" | "StateRetried" | "StateCaught" | string;
  timestamp: number;
  state?: { name: string; type: string; input: unknown; output?: unknown };
  Error?: string;
  Cause?: unknown;
}
