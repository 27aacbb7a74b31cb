import { decisionOn } from "../gate/wave-answer.ts";
import { wholePage } from "../report/page/parts.ts";
import { Doc, type GateDecisionDoc } from "../shared/documents.ts";
import { ErrorName } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { type Html, html, raw } from "../shared/html.ts";
import type { Environment, EvidenceStore } from "../shared/ports.ts";
import {
  type Line,
  latestWave,
  RolloutDocs,
  type RolloutOutcomeDoc,
  startOf,
} from "../shared/rollout-documents.ts";
import type { Answer } from "../shared/task.ts";
import { duration, moment, plain } from "../shared/text.ts";
import { allLines, groupsOf } from "./results.ts";

interface ReportRollout {
  execution: string;
  /** What the machine caught last; its Error is empty when nothing was. */
  failure: { Error: string; Cause: string };
}

const REFUSALS: readonly string[] = [ErrorName.RequestInvalid, ErrorName.PlanUnusable];
const LONGEST_CAUSE = 2_000;

/** Writes the page, sends the last message, and returns how this start of the rollout ends. */
export async function reportRollout(
  { execution, failure }: ReportRollout,
  environment: Environment,
  evidence: RunEvidence,
): Promise<Answer> {
  const caught = causeOf(failure);
  const start = await startOf(evidence, execution).catch(() => undefined);
  // Another start's evidence, or none at all: there is nothing to write to.
  if (start === undefined)
    return {
      name: REFUSALS.includes(failure.Error) ? "Refused" : "Incomplete",
      cause: caught || "The rollout was not admitted.",
    };
  const at = environment.clock.now().toISOString();
  const { name, cause } = await evidence.getOrCreate(RolloutDocs.outcome(start), async () => ({
    at,
    ...(await outcomeOf(caught, environment, evidence)),
  }));
  const page = RolloutDocs.page(start);
  await evidence.keepFile(
    page,
    await rolloutPage(environment.evidence, evidence, at),
    "text/html; charset=utf-8",
  );
  await environment.notifier.send({
    subject: `Sluice: rollout ${evidence.run} ends ${name}`,
    text: `${plain(cause)}\n\nEvery database is in the evidence, in runs/${evidence.run}/${page}.\n`,
    audience: "approvers",
  });
  return { name, cause };
}

async function outcomeOf(
  caught: string,
  environment: Environment,
  evidence: RunEvidence,
): Promise<Pick<RolloutOutcomeDoc, "name" | "cause">> {
  const { name: rollout } = await evidence.require(RolloutDocs.rollout);
  const { databases } = await evidence.require(RolloutDocs.databases);
  const lines = await allLines(environment.evidence, evidence);
  const done = lines.filter(({ end }) => end === "Succeeded").length;
  if (done === databases.length)
    return { name: "Succeeded", cause: `All ${databases.length} databases are migrated.` };
  const others = lines.filter(({ end }) => end !== "Succeeded" && end !== "left out");
  const named = others.slice(0, 10).map(({ database, end }) => `${database} ${end}`);
  const more = others.length > named.length ? ` and ${others.length - named.length} more` : "";
  const cause = [
    `${done} of ${databases.length} databases are migrated.`,
    ...(named.length > 0 ? [`Ended otherwise: ${named.join(", ")}${more}.`] : []),
    ...(caught === "" ? [] : [`The rollout itself failed: ${caught}`]),
    `Start it again with the same input and the name ${rollout}: it continues with those that are not done.`,
  ].join(" ");
  return { name: "Incomplete", cause: cause.slice(0, LONGEST_CAUSE) };
}

/** What Lambda makes of an error is JSON in the cause. */
function causeOf({ Error: error, Cause: cause }: ReportRollout["failure"]): string {
  if (error === "") return "";
  try {
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: unknown };
    if (typeof errorMessage === "string") return errorMessage.slice(0, LONGEST_CAUSE);
  } catch {
    // It is text.
  }
  return `${error}: ${cause}`.slice(0, LONGEST_CAUSE);
}

/** The report of reports: what the rollout was, and a line for each database that leads to its run's own report. */
export async function rolloutPage(store: EvidenceStore, evidence: RunEvidence, at: string): Promise<string> {
  const request = await evidence.require(Doc.request);
  const rollout = await evidence.require(RolloutDocs.rollout);
  const limits = await evidence.read(RolloutDocs.limits);
  const { databases } = await evidence.require(RolloutDocs.databases);
  const lines = await allLines(store, evidence);
  const come = new Set(lines.map(({ index }) => index));
  const waiting = databases.flatMap(({ name }, index) => (come.has(index) ? [] : [{ index, name }]));
  const ends = [...countBy([...lines.map(({ end }) => end), ...waiting.map(() => "not started")])];
  const decisions = await decisionsOf(evidence);
  return wholePage({
    title: `Rollout ${evidence.run}: ${request.plan.title}`,
    style: raw(filterStyle(ends.length)),
    main: html`<h1>Rollout ${evidence.run}</h1>
<p>${request.plan.title} (<code>${request.plan.checksum.slice(0, 12)}</code>) on ${databases.length} databases. Started ${moment(request.startedAt)} by ${request.startedBy ?? "(not said)"}.</p>
<p>Waves: ${rollout.waves.join(", ")}. ${rollout.atATime} at a time, ${rollout.tolerated} failures tolerated in a wave.</p>
${limits && html`<details><summary>Limits and costs, computed before the start</summary><ul>${[...limits.lines, ...limits.notes].map((line) => html`<li>${line}</li>`)}</ul></details>`}
<h2>Decisions on waves</h2>
${decisions.length === 0 ? html`<p>None.</p>` : html`<ul>${decisions.map(({ gate, decision, by, at, comment }) => html`<li><code>${gate}</code>: ${decision === "Go" ? "Go" : "No-Go"} by ${by}, ${moment(at)}${comment !== "" && html`: ${comment}`}</li>`)}</ul>`}
<h2>Equal catalogs</h2>
<ul>${groupsOf(lines).map(({ fingerprint, databases, some }) => html`<li>${fingerprint === null ? "not read" : html`<code>${fingerprint.slice(0, 12)}</code>`}: ${databases} (${some.join(", ")}${databases > some.length && ", ..."})</li>`)}</ul>
<h2>Databases</h2>
<form>
<label><input type="radio" name="end" id="end-all" checked> all (${databases.length})</label>
${ends.map(([end, n], i) => html`<label><input type="radio" name="end" id="end-${i}"> ${end} (${n})</label> `)}
</form>
<table><thead><tr><th>Database</th><th>Wave</th><th>End</th><th>Downtime</th><th>Predicted</th><th>Worst lock</th><th>Catalog</th><th>Gates</th><th>Evidence</th></tr></thead>
<tbody>${raw(
      rowsOf(
        lines,
        waiting,
        ends.map(([end]) => end),
      ),
    )}</tbody></table>`,
    footer: html`<p>Made from the evidence of rollout <code>${evidence.run}</code>, as it stood at ${moment(at)}. The links lead to each run's report, in the same folder <code>runs/</code>.</p>`,
  });
}

/** Without a script: the radio that is checked hides the rows of all other ends. */
function filterStyle(ends: number): string {
  return Array.from(
    { length: ends },
    (_, i) => `main:has(#end-${i}:checked) tbody tr:not(.end-${i}){display:none}`,
  ).join("");
}

/** Joined apart: a list that a template cuts would leave databases out. */
function rowsOf(
  lines: readonly Line[],
  waiting: readonly { name: string }[],
  ends: readonly string[],
): string {
  const rows = [
    ...lines.map((line) => row(line, ends.indexOf(line.end))),
    ...waiting.map(
      ({ name }) =>
        html`<tr class="end-${ends.indexOf("not started")}"><td>${name}</td><td></td><td>not started</td><td colspan="6"></td></tr>`,
    ),
  ];
  return rows.map(({ markup }) => markup).join("\n");
}

function row(line: Line, end: number): Html {
  const { database, wave, run, cause, fingerprint, downtime, predictedDowntime, worstLock, gates } = line;
  const started = line.end !== "left out" && line.end !== "NotStarted";
  return html`<tr class="end-${end}"><td>${database}</td><td>${wave}</td><td>${line.end}${cause !== "" && line.end !== "Succeeded" && html`<br><span class="small">${cause}</span>`}</td><td>${seconds(downtime)}</td><td>${seconds(predictedDowntime)}</td><td>${worstLock?.text ?? ""}</td><td>${fingerprint === null ? "" : html`<code>${fingerprint.slice(0, 12)}</code>`}</td><td>${gates.byPeople} by people, ${gates.byWave} by the wave</td><td>${started && html`<a href="../${encodeURIComponent(run)}/report.html">${run}</a>`}</td></tr>`;
}

function seconds(value: number | null): string {
  return value === null ? "" : duration(value);
}

async function decisionsOf(evidence: RunEvidence): Promise<GateDecisionDoc[]> {
  const decisions: GateDecisionDoc[] = [];
  const latest = await latestWave(evidence);
  for (let wave = 1; wave <= latest; wave++)
    for (const gate of ["start", "keep"] as const) {
      const decision = await decisionOn(evidence, gate, wave);
      if (decision) decisions.push(decision);
    }
  return decisions;
}

function countBy(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
