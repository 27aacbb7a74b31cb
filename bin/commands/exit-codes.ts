import type { End } from "../../lambdas/shared/documents.ts";

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

export const OTHER_EXIT_CODES = `
Exit codes:
  0    done
  2    usage: a mistake in how the command was called, or in what was given to it
  1    a bug in Sluice`;
