import { type Html, html } from "../../shared/html.ts";
import type { Report } from "../schema.ts";
import { wayBackLines } from "../way-back.ts";
import { count, grouped, milliseconds, moment } from "../words.ts";
import { bullets, mark, section, table } from "./parts.ts";

/** The plan's form for staging results, filled in. */
export function stagingSection({ staging, benchmarks, wayBack, backup, snapshots }: Report): Html | false {
  const { verified, completedAt, issues, rollbackTested, rollbacks, approved, approvedBy } = staging;
  if (!verified && staging.instance === null && approved === "not yet") return false;
  const cloned = snapshots.some(({ purpose, clone }) => purpose === "rehearsal" && clone);
  const measured = benchmarks.filter((benchmark) => benchmark.staging !== null);
  const notYet = mark(null, { yes: "", no: "", unknown: "Not yet" });
  const rows: [string, Html][] = [
    [
      cloned ? "Clone read" : "Backup restored and read",
      verified
        ? html`${mark(verified.equal, { yes: "As production", no: "Not as production", unknown: "" })}, ${grouped(verified.rows)} rows in ${count(verified.tables, "table")}${cloned && ". No backup was tested by it"}`
        : notYet,
    ],
    [
      "Staging migration completed",
      completedAt ? html`${moment(completedAt)}` : mark(null, { yes: "", no: "", unknown: "Not completed" }),
    ],
    ["Issues encountered", issues.length === 0 ? html`None` : bullets(issues)],
    [
      "Performance benchmarks",
      measured.length === 0
        ? mark(null, { yes: "", no: "", unknown: "Not measured" })
        : bullets(
            measured.map(({ title, staging, sloMs }) =>
              staging?.p95Ms == null
                ? `${title}: not measured`
                : `${title}: p95 ${milliseconds(staging.p95Ms)}, limit ${milliseconds(sloMs)}${staging.passed === false ? ", not within" : ""}${staging.generated ? ", on generated data" : ""}`,
            ),
          ),
    ],
    [
      "Rollback tested",
      html`${mark(rollbackTested === "not yet" ? null : rollbackTested === "success", { yes: "Success", no: "Fail", unknown: "Not yet" })} <span class="small soft">${rollbacks
        .map(
          ({ version, equal }) =>
            `${version} ${equal === null ? "not yet" : equal ? "proven back" : "not back"}`,
        )
        .join(", ")}</span>`,
    ],
    ["The way back, predicted", wayBack ? bullets(wayBackLines({ wayBack, backup })) : notYet],
    [
      "Approved for production",
      html`${mark(approved === "not yet" ? null : approved === "yes", { yes: "Yes", no: "No", unknown: "Not yet" })}${approvedBy && ` by ${approvedBy}`}`,
    ],
  ];
  return section(
    "staging",
    "Staging environment testing results",
    table(
      "Staging results",
      [
        { head: "Question", cell: ([question]) => question },
        { head: "Answer", plain: true, cell: ([, answer]) => answer },
      ],
      rows,
    ),
  );
}
