import { scopeInWords } from "../../proof/scope.ts";
import { type Html, html } from "../../shared/html.ts";
import { count, duration, grouped, list, milliseconds, moment } from "../../shared/text.ts";
import type { ProofReport, Report } from "../schema.ts";
import { lossLines, lossTitle, restoredFrom, wayBackLines } from "../way-back.ts";
import { bullets, digest, mark, section, table } from "./parts.ts";

/** With more tables than this, the details of an equal proof are closed. */
const LONG = 12;

/** Returns the proofs. Production's come first, because the run's end rests on them. */
export function proofsSection({ proofs }: Report): Html | false {
  if (proofs.length === 0) return false;
  const [production, staging] = [true, false].map((wanted) =>
    proofs.filter(({ name }) => name.startsWith("production-") === wanted),
  );
  return section("proofs", "Proofs: before and after", production?.map(proof), staging?.map(proof));
}

/** An agreed change is no difference, unless the proof names one. */
function result({ equal, agreed }: ProofReport["tables"][number], proven: boolean): Html {
  if (agreed === null) return mark(equal, { yes: "Equal", no: "Differs", unknown: "" });
  return html`${mark(proven || null, { yes: "As rehearsed", no: "", unknown: "Changed" })} <span class="soft small">${agreed}</span>`;
}

function proof({
  title,
  at,
  equal,
  fingerprintBefore,
  fingerprintAfter,
  tables,
  differences,
  left = [],
  scope,
  grown,
  others,
  moved,
  name,
}: ProofReport): Html {
  const compared = tables.filter(({ rowsBefore }) => rowsBefore !== null);
  const same = compared.filter(({ equal }) => equal).length;
  const agreed = compared.filter((table) => table.agreed !== null).length;
  const catalog = fingerprintBefore === null ? "" : "catalog and ";
  const words = {
    yes: `${catalog}${count(compared.length - agreed, "table")} equal${agreed > 0 ? `, ${agreed} changed as the rehearsal showed` : ""}${left.length > 0 ? `, except ${list(left)}` : ""}`,
    no: `${same} of ${count(compared.length, "table")} equal, ${count(differences.length, "difference")}`,
    unknown: "",
  };
  const open = !equal || (name.startsWith("production-") && tables.length <= LONG);
  return html`<details${open && html` open`}><summary>${title}: ${mark(equal, words)} <span class="soft small">${moment(at)}</span></summary>
${differences.length > 0 && bullets(differences)}
${scope && html`<p>${scopeInWords(scope)}</p>`}${grown && bullets(grown)}${others && equal && bullets(others)}
${moved.length > 0 && bullets(moved)}
${fingerprintBefore !== null && html`<p class="small">Catalog before ${digest(fingerprintBefore)}, after ${digest(fingerprintAfter)}</p>`}
${table(
  title,
  [
    {
      head: "Table",
      cell: (t) => html`${t.table}${t.protected && html` <span class="soft small">protected</span>`}`,
    },
    { head: "Result", plain: true, cell: (t) => result(t, equal) },
    {
      head: "Rows before",
      number: true,
      cell: (t) => (t.rowsBefore === null ? "none" : grouped(t.rowsBefore)),
    },
    { head: "Rows after", number: true, cell: (t) => (t.rowsAfter === null ? "none" : grouped(t.rowsAfter)) },
    { head: "Checksum before", cell: (t) => digest(t.checksumBefore) },
    { head: "Checksum after", cell: (t) => digest(t.checksumAfter) },
  ],
  tables,
)}</details>`;
}

/** Returns the plan's form for staging results, filled in. */
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
        ? html`${mark(verified.equal, { yes: "Equal to production", no: "Differs from production", unknown: "" })}, ${grouped(verified.rows)} rows in ${count(verified.tables, "table")}${cloned && ". This did not test a backup"}`
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
                : `${title}: p95 ${milliseconds(staging.p95Ms)}, limit ${milliseconds(sloMs)}${staging.passed === false ? ", too slow" : ""}${staging.generated ? ", on generated data" : ""}`,
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

/** Returns how production was brought back, compared with the prediction and the plan's limit, and what that loses. */
export function wayBackSection(report: Report): Html | false {
  const { rollback, restore, loss, gates } = report;
  const asked = gates.some(({ gate }) => gate === "restore");
  if (!rollback && !restore && !loss && !asked) return false;
  return section(
    "back",
    "The way back",
    bullets([...rolledBack(report, asked), ...restored(report)]),
    (loss || asked) && html`<h3>${loss ? lossTitle(loss) : "What a restore loses"}</h3>`,
    loss
      ? bullets(lossLines(report))
      : asked && html`<p>The loss could not be counted, because production did not answer.</p>`,
  );
}

function rolledBack({ rollback, timeline, end }: Report, asked: boolean): Html[] {
  if (!rollback) return [];
  const { seconds, sloSeconds, restoreFrom } = rollback;
  if (restoreFrom !== undefined)
    return [html`Nothing was rolled back: ${restoreFrom} had begun, and its way back is the restore.`];
  if (seconds === null)
    return [
      html`${mark(end === "running" && !asked ? null : false, { yes: "", no: "Not enough", unknown: "Not done yet" })}: rolling back${end === "running" && !asked ? "" : " did not bring production back"}; the plan allows ${duration(sloSeconds)} for it.`,
    ];
  return [
    html`${mark(seconds <= sloSeconds, { yes: "In time", no: "Too slow", unknown: "" })}: rolled back and proven in ${duration(seconds)}${expected(timeline, "rollback")}; the plan allows ${duration(sloSeconds)}.`,
  ];
}

function restored({ restore, timeline }: Report): Html[] {
  if (!restore) return [];
  const took = timeline.phases.find(({ id }) => id === "restore")?.seconds;
  return [
    html`Restored ${restoredFrom(restore)}${took != null && ` in ${duration(took)}`}${expected(timeline, "restore")}; the former production is <code>${restore.aside}</code>.`,
  ];
}

function expected({ phases }: Report["timeline"], id: string): string {
  const seconds = phases.find((phase) => phase.id === id)?.predictedSeconds;
  return seconds == null ? "" : ` (expected ${duration(seconds)})`;
}
