import { type Html, html } from "../shared/html.ts";
import { appendixSection } from "./page/appendix.ts";
import { criteriaSection, leftToDoSection } from "./page/criteria.ts";
import { gatesSection } from "./page/gates.ts";
import { locksSection } from "./page/locks.ts";
import { benchmarksSection } from "./page/measurements.ts";
import { migrationsSection } from "./page/migrations.ts";
import { proofsSection } from "./page/proofs.ts";
import { stagingSection } from "./page/staging.ts";
import { STYLE } from "./page/style.ts";
import { timelineSection } from "./page/timeline.ts";
import { verdictHeader } from "./page/verdict.ts";
import { watchSection } from "./page/watch.ts";
import { wayBackSection } from "./page/way-back.ts";
import type { Report } from "./schema.ts";
import { verdictOf } from "./verdict.ts";
import { moment } from "./words.ts";

/** The report as one page that needs nothing else: no script, no file, no network. */
export function renderReport(report: Report): string {
  return `${pageOf(report)}\n`;
}

function pageOf(report: Report): Html {
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${verdictOf(report).title}: ${report.plan.title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${verdictHeader(report)}
${leftToDoSection(report)}
${criteriaSection(report)}
${wayBackSection(report)}
${timelineSection(report)}
${gatesSection(report)}
${proofsSection(report)}
${locksSection(report)}
${benchmarksSection(report)}
${watchSection(report)}
${stagingSection(report)}
${migrationsSection(report)}
${appendixSection(report)}
</main>
<footer><p>Made from the evidence of run <code>${report.run}</code>, as it stood at ${moment(report.asOf)}.</p>
${report.manifest !== null && html`<p>The SHA-256 of its manifest is <code>${report.manifest}</code>. <code>sluice verify DIR --hash ...</code> finds what was changed since.</p>`}</footer>
</body>
</html>`;
}
