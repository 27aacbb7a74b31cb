import { scopeInWords } from "../proof/scope.ts";
import { formulaOf, predictedDowntime } from "../report/downtime.ts";
import { longestLocks } from "../report/migrations.ts";
import type { Report } from "../report/schema.ts";
import { momentLines } from "../report/way-back.ts";
import { type Html, html } from "../shared/html.ts";
import { bytes, count, duration, grouped, list as inWords, lockText, milliseconds } from "../shared/text.ts";
import { concernsNote, loss, verdict, wayBack } from "./concerns.ts";

/** Returns what was checked and measured so far, from the run's report. Empty sections are left out. */
export function measured(report: Report): Html {
  const sections = [
    concernsNote(report) || null,
    went(report),
    loss(report),
    time(report),
    wayBack(report),
    preflight(report),
    backup(report),
    migrations(report),
    slos(report),
    hooks(report),
  ];
  const said = sections.filter((section) => section !== null);
  return said.length > 0
    ? html`${said}`
    : html`<div class="card"><p>Nothing yet: this gate is before the first step.</p></div>`;
}

type Section = Html | null;

function time({ downtime }: Report): Section {
  const predicted = predictedDowntime(downtime);
  if (downtime.predictedSeconds === null || predicted === undefined) return null;
  const formula = formulaOf(downtime);
  return html`<div class="card">
<h3>Time</h3>
<p class="big">${duration(downtime.predictedSeconds)}</p>
<p>${predicted.endsWith("planned") ? "planned" : "predicted"} downtime of the application, without the time that people take at gates.${
    downtime.fencedAt !== null &&
    downtime.openedAt === null &&
    html` The application has been out since <time datetime="${downtime.fencedAt}">${downtime.fencedAt.slice(11, 16)} UTC</time>.`
  }</p>
<details><summary>How it is made up</summary>
${formula && html`<p>${formula}</p>`}<ul class="plain">${downtime.parts.map(
    (part) =>
      html`<li>${part.what}: ${duration(part.seconds)} (${part.by === "rehearsal" ? "as rehearsed" : "as planned"})</li>`,
  )}</ul></details>
</div>`;
}

function went({ failures, rollback }: Report): Section {
  if (failures.length === 0 && !rollback) return null;
  return html`<div class="card">
<h3>What went wrong on the way</h3>
${rollback && html`<p>Production is being brought back: ${rollback.why}</p>`}
${
  failures.length > 0 &&
  html`<ul class="plain">${failures.map(({ at, state, error, message }) => html`<li><time datetime="${at}">${at.slice(11, 19)}</time> ${state}: <strong>${error}</strong>. ${message}</li>`)}</ul>`
}
</div>`;
}

function preflight({ preflight }: Report): Section {
  if (!preflight) return null;
  const { checks } = preflight;
  const passed = checks.filter((check) => check.passed === true).length;
  const others = checks.filter((check) => check.passed !== true);
  return html`<div class="card">
<h3>Preflight</h3>
<p>${verdict(passed === checks.length || (others.every((check) => check.passed === null) ? null : false), ["all passed", "some failed", "some not known"])} · ${passed} of ${count(checks.length, "check")} passed</p>
${
  others.length > 0 &&
  html`<ul class="plain">${others.map((check) => html`<li>${verdict(check.passed, ["passed", "failed", "for you to check"])} ${check.name}: expected ${check.expected}, seen ${check.seen}. ${check.mend}</li>`)}</ul>`
}
<details><summary>All checks</summary>
<ul class="plain">${checks.map((check) => html`<li>${check.name}: ${check.seen}</li>`)}</ul></details>
</div>`;
}

const PURPOSES = {
  final: "Final snapshot",
  rehearsal: "Snapshot for the rehearsal",
  kept: "Snapshot to keep",
} as const;

function backup({ snapshots, staging, backup }: Report): Section {
  const lines = backup ? momentLines(backup) : [];
  if (snapshots.length === 0 && lines.length === 0) return null;
  const { verified } = staging;
  return html`<div class="card">
<h3>Backup</h3>
<ul class="plain">
${snapshots.map(
  (snapshot) =>
    html`<li>${PURPOSES[snapshot.purpose]} <code>${snapshot.id}</code>${snapshot.sizeBytes !== null && html`, ${bytes(snapshot.sizeBytes)}`}${snapshot.encrypted !== null && (snapshot.encrypted ? ", encrypted" : ", not encrypted")}</li>`,
)}
${lines.map((line) => html`<li>${line}</li>`)}
${
  verified &&
  html`<li>${verdict(verified.equal, ["restored and read", "the restored copy differs", ""])} · ${count(verified.tables, "table")}, ${grouped(verified.rows)} rows</li>`
}
</ul>
${verified && list(verified.differences)}
</div>`;
}

function migrations(report: Report): Section {
  const begun = report.migrations.filter((m) => m.staging.passes.length + m.production.passes.length > 0);
  if (begun.length === 0) return null;
  const { proofs } = report;
  const onProduction = begun.some(({ production }) => production.passes.length > 0);
  return html`<div class="card">
<h3>Migrations</h3>
${begun.map((migration) => {
  const back = report.staging.rollbacks.find((rollback) => rollback.version === migration.version);
  return html`<div class="entry"><h4>${migration.version} ${migration.title}</h4>
${migration.changes && html`<p>On staging it ${migration.changes.text}.</p>`}
<dl class="columns">
<div><dt>On staging</dt><dd>${side(migration.staging)}</dd></div>
<div><dt>Its rollback, on staging</dt><dd>${rollbackOf(migration, back?.equal)}</dd></div>
${onProduction && html`<div><dt>On production</dt><dd>${side(migration.production)}</dd></div>`}
</dl></div>`;
})}
${
  proofs.length > 0 &&
  html`<details><summary>${count(proofs.length, "proof")}, ${proofs.every((proof) => proof.equal) ? "all equal" : "not all equal"}</summary>
<ul class="plain">${proofs.map((proof) => html`<li>${verdict(proof.equal, ["equal", "differs", ""])} ${proof.title} (${count(proof.tables.length, "table")})${proof.scope && html`. ${scopeInWords(proof.scope)}`}${list(proof.grown ?? [])}${proof.equal && list(proof.others ?? [])}${list(proof.differences)}</li>`)}</ul></details>`
}
</div>`;
}

function rollbackOf(
  { staging, wayBack, leaves = [] }: Report["migrations"][number],
  equal: boolean | null | undefined,
): Html | string {
  if (wayBack === "restore") return "None: the way back is the restore";
  const butFor = leaves.length > 0 ? `, except ${inWords(leaves)}` : "";
  return html`${last(staging, "rollback") ?? "–"}${equal !== undefined && html`<br>${verdict(equal, [`proven back${butFor}`, "not back", "not yet proven"])}`}`;
}

type Side = Report["migrations"][number]["staging"];

function last(side: Side, direction: "migrate" | "rollback"): string | null {
  const pass = side.passes.filter((pass) => pass.direction === direction).at(-1);
  if (!pass) return null;
  const gaveWay = pass.steps.reduce((sum, step) => sum + step.gaveWay, 0);
  const [longest] = longestLocks(pass.steps);
  return [
    duration(pass.seconds),
    ...(gaveWay > 0 ? [`gave way ${count(gaveWay, "time")}`] : []),
    ...(longest ? [`longest lock ${lockText(longest)}`] : []),
  ].join(", ");
}

function side(side: Side): Html | string {
  const applied = last(side, "migrate");
  if (applied === null) return "–";
  const results = side.checks.flatMap((round) => round.results);
  const failed = results.filter((result) => !result.passed);
  return html`${applied}${
    results.length > 0 &&
    html`<br>${verdict(failed.length === 0, [`${count(results.length, "check")} passed`, `${failed.length} of ${results.length} checks failed`, ""])}`
  }${list(failed.map((result) => `${result.name}: expected ${result.expected}, seen ${result.seen}`))}`;
}

function slos({ benchmarks }: Report): Section {
  const run = benchmarks.filter((benchmark) => benchmark.staging || benchmark.production);
  if (run.length === 0) return null;
  const onProduction = run.some(({ production }) => production);
  const cell = (result: (typeof run)[number]["staging"]) =>
    result
      ? html`<td class="number">${result.p95Ms === null ? (result.note ?? "not measured") : milliseconds(result.p95Ms)}<br>${verdict(result.passed, ["met", "missed", "not known"])}</td>`
      : html`<td class="number">–</td>`;
  return html`<div class="card">
<div class="scroll" tabindex="0" role="region" aria-label="Benchmarks">
<table><caption>Benchmarks, p95</caption>
<thead><tr><th scope="col">What</th><th scope="col" class="number">Limit</th><th scope="col" class="number">Staging</th>${onProduction && html`<th scope="col" class="number">Production</th>`}</tr></thead>
<tbody>${run.map(
    (benchmark) =>
      html`<tr><th scope="row">${benchmark.title}</th><td class="number">${milliseconds(benchmark.sloMs)}</td>${cell(benchmark.staging)}${onProduction && cell(benchmark.production)}</tr>`,
  )}</tbody></table>
</div>
</div>`;
}

function hooks({ hooks, afterOpening }: Report): Section {
  const results = [
    ...hooks.flatMap((hook) =>
      hook.results.map((r) => ({ ...r, detail: `expected ${r.expected}, seen ${r.seen}` })),
    ),
    ...afterOpening.map((r) => ({ ...r, detail: r.message })),
  ];
  if (results.length === 0) return null;
  return html`<div class="card">
<h3>Application</h3>
<ul class="plain">${results.map((result) => html`<li>${verdict(result.passed, ["passed", "failed", "not known"])} ${result.title}${result.passed !== true && html`: ${result.detail}`}</li>`)}</ul>
</div>`;
}

function list(lines: readonly string[]): Section {
  return lines.length === 0 ? null : html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}
