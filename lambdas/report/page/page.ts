import { type Html, html } from "../../shared/html.ts";
import { moment } from "../../shared/text.ts";
import type { Report } from "../schema.ts";
import { verdictOf } from "../verdict.ts";
import { appendixSection } from "./appendix.ts";
import { benchmarksSection, locksSection, watchSection } from "./measurements.ts";
import { migrationsSection } from "./migrations.ts";
import { proofsSection, stagingSection, wayBackSection } from "./proofs.ts";
import { STYLE } from "./style.ts";
import { timelineSection } from "./timeline.ts";
import { criteriaSection, gatesSection, leftToDoSection, verdictHeader } from "./verdict.ts";

/** Renders the report as one self-contained page: no script, no other file, no network. */
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
<footer><p>Made from the evidence of run <code>${report.run}</code> as of ${moment(report.asOf)}.</p>
${report.manifest !== null && html`<p>The SHA-256 of its manifest is <code>${report.manifest}</code>. <code>sluice verify DIR --hash ...</code> finds later changes.</p>`}</footer>
</body>
</html>`;
}
