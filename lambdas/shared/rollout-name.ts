/** As a part of its runs' names, which Step Functions holds to 80 characters. */
export const ROLLOUT_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/;

/** Name of the run that a rollout starts for one database in one wave. It is the same however often the rollout starts. */
export function rolloutRun(rollout: string, wave: number, index: number): string {
  return `${rollout}-w${wave}-${String(index).padStart(5, "0")}`;
}
