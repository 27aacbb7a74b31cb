import type { End } from "../../lambdas/shared/documents.ts";
import type { DatabaseEnd, RolloutEnd } from "../../local/rollout/events.ts";

export const USAGE = 2;
export const BUG = 1;
/** As a shell reports a command that Ctrl-C ended. */
export const INTERRUPTED = 130;

export const EXIT_CODES: Readonly<Record<End, number>> = {
  Succeeded: 0,
  RolledBack: 10,
  Restored: 11,
  Refused: 12,
  NeedsOperator: 13,
};

/** For a reading: a metric is beyond its alert threshold. */
export const ALERT = 3;
export const UNMEASURED = 4;

export const WATCH_EXIT_CODES = `
Exit codes:
  0    no metric of the last reading is beyond its alert threshold
  2    usage: a mistake in the command's arguments, or in the plan
  3    a metric is beyond its alert threshold
  4    another probe or a run has the database, or a metric's query failed
  1    a bug in Sluice`;

/** For a proof: the database differs from the record. */
export const NOT_BACK = 3;

export const PROVE_EXIT_CODES = `
Exit codes:
  0    the database is as the run recorded it
  2    usage: a mistake in the command's arguments, or in the evidence or database it was given
  3    the database differs; each difference is a line
  1    a bug in Sluice`;

/** For a rollback that was written: it does not bring everything back. */
export const DOES_NOT_HOLD = 3;

export const ROLLBACK_EXIT_CODES = `
Exit codes:
  0    each file that was written passed every try
  2    usage: a mistake in the command's arguments, or in the plan
  3    a file that was written does not bring everything back; each finding is a line
  130  stopped by Ctrl-C; the copies are dropped
  1    a bug in Sluice`;

/** For evidence: it differs from what the run wrote. */
export const NOT_WHOLE = 3;

export const VERIFY_EXIT_CODES = `
Exit codes:
  0    whole: nothing was changed, added or removed
  2    usage: a mistake in the command's arguments, or in what they name
  3    not whole; each finding is a line
  1    a bug in Sluice`;

export const REHEARSE_EXIT_CODES = `
Exit codes:
  0    Succeeded: the migrations are applied, and the application is in
  2    usage: a mistake in the command's arguments, or in the plan
  10   RolledBack: production was rolled back, and is proven back
  11   Restored: production was restored from its backup, and is proven back
  12   Refused: nothing was migrated
  13   NeedsOperator: production is not proven back
  130  left at once by a second Ctrl-C; what it had not cleaned up stays
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
  2    usage: a mistake in the command's arguments, or in what they name
  1    a bug in Sluice`;
