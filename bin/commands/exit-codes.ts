import type { End } from "../../lambdas/shared/documents.ts";
import type { DatabaseEnd, RolloutEnd } from "../../local/rollout/events.ts";

export const USAGE = 2;
export const BUG = 1;
/** As a shell says it of a command that Ctrl-C ended. */
export const INTERRUPTED = 130;

export const EXIT_CODES: Readonly<Record<End, number>> = {
  Succeeded: 0,
  RolledBack: 10,
  Restored: 11,
  Refused: 12,
  NeedsOperator: 13,
};

/** Of a reading: something is beyond its alert threshold; something could not be read. */
export const ALERT = 3;
export const UNMEASURED = 4;

export const WATCH_EXIT_CODES = `
Exit codes:
  0    no metric of the last reading is beyond its alert threshold
  2    usage: a mistake in how the command was called, or in the plan
  3    a metric is beyond its alert threshold
  4    another probe or a run has the database, or a metric's query fails
  1    a bug in Sluice`;

/** Of a proof: the database is not what production was. */
export const NOT_BACK = 3;

export const PROVE_EXIT_CODES = `
Exit codes:
  0    the database is what production was
  2    usage: a mistake in how the command was called, or in what was given to it
  3    it is not; each difference is a line
  1    a bug in Sluice`;

/** Of a rollback that was made: it does not bring everything back. */
export const DOES_NOT_HOLD = 3;

export const ROLLBACK_EXIT_CODES = `
Exit codes:
  0    what was written passed every try
  2    usage: a mistake in how the command was called, or in the plan
  3    what was written does not bring everything back; each finding is a line
  130  stopped by Ctrl-C; the copies are dropped
  1    a bug in Sluice`;

/** Of evidence: it is not what the run wrote. */
export const NOT_WHOLE = 3;

export const VERIFY_EXIT_CODES = `
Exit codes:
  0    whole: nothing was changed, added or taken away
  2    usage: a mistake in how the command was called, or in what was given to it
  3    not whole; each finding is a line
  1    a bug in Sluice`;

export const REHEARSE_EXIT_CODES = `
Exit codes:
  0    Succeeded: the migration is done, and the application is in
  2    usage: a mistake in how the command was called, or in the plan
  10   RolledBack: production is back by the rollbacks, and proven to be
  11   Restored: production is back from its backup, and proven to be
  12   Refused: nothing was migrated
  13   NeedsOperator: production is not proven back
  130  left at once, by a second Ctrl-C
  1    a bug in Sluice`;

/** Of a rollout: some databases are not done, and nothing is wrong with any. */
export const NOT_ALL_DONE = 14;

/** By the worst end of its runs, where not all succeeded. */
export function rolloutExitCode({ end, rows }: Pick<RolloutEnd, "end" | "rows">): number {
  if (end === "Succeeded") return EXIT_CODES.Succeeded;
  const has = (one: DatabaseEnd) => rows.some((row) => row.end === one);
  if (has("NeedsOperator") || has("Unknown")) return EXIT_CODES.NeedsOperator;
  if (has("Restored")) return EXIT_CODES.Restored;
  if (has("RolledBack")) return EXIT_CODES.RolledBack;
  return has("Succeeded") ? NOT_ALL_DONE : EXIT_CODES.Refused;
}

export const ROLLOUT_EXIT_CODES = `
Exit codes:
  0    Succeeded: every database is migrated
  2    usage: a mistake in how the command was called, in the file of databases, or in the plan
  10   a database was rolled back, and is proven to be back; none ended worse
  11   a database was restored from its backup, and is proven to be back; none ended worse
  12   Refused: no database was migrated
  13   NeedsOperator: a database is not proven back, or its end is not known
  14   Incomplete: some databases are migrated, and the others are untouched
  130  left at once, by a second Ctrl-C
  1    a bug in Sluice`;

export const OTHER_EXIT_CODES = `
Exit codes:
  0    done
  2    usage: a mistake in how the command was called, or in what was given to it
  1    a bug in Sluice`;
