import { count, duration } from "../../lambdas/shared/text.ts";
import type { LocalEnd } from "../events.ts";
import type { DatabaseEnd, RolloutEnd } from "./events.ts";

/** A run that has ended, in a line. */
export function runLine(label: string, { end, cause, report }: LocalEnd): string {
  const { seconds, predictedSeconds } = report.downtime;
  const downtime =
    seconds === null
      ? ""
      : `, downtime ${duration(seconds)}${predictedSeconds === null ? "" : ` (${duration(predictedSeconds)} predicted)`}`;
  return `${label}: ${end}${downtime}${end === "Succeeded" ? "" : `. ${withoutEnd(end, cause)}`}`;
}

/** What became of the databases: how many ended how, and a line for each that is not done. */
export function summaryOfRollout({ end, cause, rows, page, evidence, leftBehind }: RolloutEnd): string[] {
  const ends = [...new Set(rows.map((row) => row.end))];
  const wide = Math.max(0, ...rows.map(({ database }) => database.length));
  return [
    "",
    `Rollout ${end}${cause === "" ? "" : `: ${cause}`}`,
    ...ends.map(
      (one) => `  ${WORDS[one]}: ${count(rows.filter((row) => row.end === one).length, "database")}`,
    ),
    ...rows
      .filter((row) => row.end !== "Succeeded")
      .map(
        (row) =>
          `  ${row.database.padEnd(wide)}  ${row.wave === 0 ? "" : `wave ${row.wave}  `}${row.end}  ${withoutEnd(row.end, row.cause)}`,
      ),
    ...(leftBehind.length === 0 ? [] : ["", "Left behind", ...leftBehind.map((line) => `  ${line}`)]),
    "",
    ...(page === undefined ? [] : [`Page      ${page}`]),
    `Evidence  ${evidence}`,
  ];
}

const WORDS: Readonly<Record<DatabaseEnd, string>> = {
  Succeeded: "Succeeded",
  Refused: "Refused, nothing was migrated",
  RolledBack: "Rolled back, and proven to be back",
  Restored: "Restored, and proven to be back",
  NeedsOperator: "Needs an operator, not proven back",
  NotStarted: "Not started",
  Unknown: "End unknown",
};

/** A cause names its end first, as the console shows it alone. */
function withoutEnd(end: string, cause: string): string {
  return cause.startsWith(`${end}: `) ? cause.slice(end.length + 2) : cause;
}

/** For reading by a program: the same facts as JSON. */
export function rolloutJson(end: RolloutEnd): Record<string, unknown> {
  const { name, end: reached, cause, rows, page, evidence, leftBehind } = end;
  return { rollout: name, end: reached, cause, databases: rows, page: page ?? null, evidence, leftBehind };
}
