import { scopeInWords } from "../../prove/scope.ts";
import { type Html, html } from "../../shared/html.ts";
import type { ProofReport, Report } from "../schema.ts";
import { count, grouped, list, moment } from "../words.ts";
import { bullets, digest, mark, section, table } from "./parts.ts";

/** From so many tables on, equal ones are not shown until somebody asks. */
const LONG = 12;

/** What was compared before and after. Production's proofs are what an end is claimed by, so they come first. */
export function proofsSection({ proofs }: Report): Html | false {
  if (proofs.length === 0) return false;
  const [production, staging] = [true, false].map((wanted) =>
    proofs.filter(({ name }) => name.startsWith("production-") === wanted),
  );
  return section("proofs", "Proofs: before and after", production?.map(proof), staging?.map(proof));
}

/** What was agreed to is no difference, unless the proof names one. */
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
    yes: `${catalog}${count(compared.length - agreed, "table")} equal${agreed > 0 ? `, ${agreed} changed as the rehearsal showed` : ""}${left.length > 0 ? `, but for ${list(left)}` : ""}`,
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
