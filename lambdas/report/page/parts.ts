import { type Html, type HtmlValue, html, raw } from "../../shared/html.ts";
import { cutRows } from "../../shared/text.ts";

/** Shows passed, failed or unknown as a sign and a word, so that colour is not needed. */
export function mark(passed: boolean | null, words: { yes: string; no: string; unknown: string }): Html {
  if (passed === null) return html`<span class="mark open">? ${words.unknown}</span>`;
  return passed
    ? html`<span class="mark good">✓ ${words.yes}</span>`
    : html`<span class="mark bad">✕ ${words.no}</span>`;
}

export function section(id: string, title: string, ...content: readonly HtmlValue[]): Html {
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${content}</section>`;
}

/** A column: its head and its cells. */
interface Column<Row> {
  head: string;
  cell: (row: Row) => HtmlValue;
  number?: true;
  /** The cell explains itself, so it needs no head before it on a phone. */
  plain?: true;
}

/** Renders a table. On a phone each row becomes a block: the first cell names it, other cells follow with their heads. */
export function table<Row>(caption: string, columns: readonly Column<Row>[], rows: readonly Row[]): Html {
  const [first, ...others] = columns;
  const heads = columns.map(
    ({ head, number }) => html`<th scope="col"${number && html` class="n"`}>${head}</th>`,
  );
  const { shown, more } = cutRows(rows);
  const body = shown.map(
    (
      row,
    ) => html`<tr><th scope="row">${first?.cell(row)}</th>${others.map((column) => cell(column, row))}</tr>
`,
  );
  return html`<div class="scroll"><table class="stack" aria-label="${caption}"><thead><tr>${heads}</tr></thead><tbody>
${body}${more > 0 && html`<tr><td colspan="${columns.length}">and ${more} more, in the evidence</td></tr>`}</tbody></table></div>`;
}

function cell<Row>({ head, cell, number, plain }: Column<Row>, row: Row): Html {
  return html`<td${!plain && html` data-head="${head}"`}${number && html` class="n"`}>${cell(row)}</td>`;
}

export function bullets(items: readonly HtmlValue[]): Html {
  const { shown, more } = cutRows(items);
  return html`<ul>${shown.map((item) => html`<li>${item}</li>`)}${more > 0 && html`<li>and ${more} more, in the evidence</li>`}</ul>`;
}

/** Shows a hash shortened for reading; the title attribute has all of it. */
export function digest(value: string | null): HtmlValue {
  if (value === null) return html`<span class="soft">none</span>`;
  return html`<code class="digest" title="${value}">${value.length > 20 ? `${value.slice(0, 8)}…${value.slice(-8)}` : value}</code>`;
}

export function evidenceNames(names: readonly string[]): HtmlValue {
  const shown = names.slice(0, 4);
  const more = names.length - shown.length;
  return html`${shown.map((name, i) => html`${i > 0 && ", "}<code>${name}</code>`)}${more > 0 && ` and ${more} more`}`;
}

interface WholePage {
  title: string;
  main: Html;
  footer: Html;
  /** Rules beside those of every page. */
  style?: Html;
}

/** A self-contained page: no script, no other file, no network. */
export function wholePage({ title, main, footer, style }: WholePage): string {
  return `${html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${STYLE}${style}</style>
</head>
<body>
<main>
${main}
</main>
<footer>${footer}</footer>
</body>
</html>`}\n`;
}

/** Colours never carry meaning alone: each coloured mark has a word or a sign. */
export const STYLE = raw(`
:root {
  --ink: #1c2024; --soft: #5a6169; --line: #dde1e5; --ground: #ffffff; --panel: #f6f7f8;
  --good: #1a7340; --bad: #b3261e; --open: #8a5a00; --bar: #3b6ea5; --wait: #b9c2cc; --plan: #8a939c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e9ec; --soft: #a0a8b0; --line: #363c42; --ground: #16191c; --panel: #1f2327;
    --good: #6cc990; --bad: #ff8f85; --open: #e3b35a; --bar: #7fb0e3; --wait: #4c555e; --plan: #7b858f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  overflow-wrap: anywhere;
}
main { max-width: 58rem; margin: 0 auto; padding: 1.5rem 1.25rem 0; }
footer { max-width: 58rem; margin: 0 auto; padding: 1rem 1.25rem 3rem; color: var(--soft); font-size: .875rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: .25rem 0 .5rem; }
h2 { font-size: 1.125rem; margin: 1.75rem 0 .5rem; padding-top: .625rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
h3 small { font-weight: 400; font-size: .8125rem; }
p { margin: .5rem 0; }
code, .mono { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .875em; }
ul, ol { margin: .5rem 0; padding-left: 1.25rem; }
ol.plain, ul.plain { list-style: none; padding: 0; }
.soft { color: var(--soft); }
.small { font-size: .875rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .open { color: var(--open); }
.mark { font-weight: 600; white-space: nowrap; }
.plan-name { color: var(--soft); margin: 0; }
header { border-left: .375rem solid var(--wait); padding-left: 1rem; }
header.good { border-color: var(--good); } header.bad { border-color: var(--bad); } header.open { border-color: var(--open); }
header, header > * { color: var(--ink); }
header.good h1 { color: var(--good); } header.bad h1 { color: var(--bad); } header.open h1 { color: var(--open); }
.meaning { font-size: 1.0625rem; margin: 0 0 .5rem; }
.cause { white-space: pre-line; background: var(--panel); padding: .75rem 1rem; border-radius: .375rem; margin: .75rem 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem 1.5rem; margin: 1rem 0 0; }
.facts dt { color: var(--soft); font-size: .8125rem; }
.facts dd { margin: 0; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
th, td { overflow-wrap: break-word; text-align: left; vertical-align: top; padding: .375rem .75rem .375rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); font-size: .8125rem; }
thead th { white-space: nowrap; vertical-align: bottom; }
tbody th { color: var(--ink); font-size: inherit; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr:last-child > td, tr:last-child > th { border-bottom: 0; }
details { border-bottom: 1px solid var(--line); padding: .5rem 0; }
details:last-child { border-bottom: 0; }
summary { cursor: pointer; }
summary:focus-visible { outline: 2px solid var(--bar); outline-offset: 2px; }
details > :not(summary) { margin-left: 1rem; }
.criteria li { display: grid; grid-template-columns: 7.5rem 1fr; gap: 0 .75rem; padding: .25rem 0; border-bottom: 1px solid var(--line); }
.criteria li:last-child { border-bottom: 0; }
.criteria p { margin: 0; }
.criteria .soft { font-size: .875rem; }
.names code { font-size: .75rem; }
.dates dl { margin: .5rem 0 0; }
.dates dl > div { display: grid; grid-template-columns: 8rem 1fr; gap: 0 1rem; }
.dates dt { font-variant-numeric: tabular-nums; padding-top: .5rem; }
.dates dd { margin: 0; }
.phases li { display: grid; grid-template-columns: 14rem 1fr 14rem; gap: 0 1rem; align-items: center; padding: .0625rem 0; }
.phases .title { line-height: 1.3; }
.phases svg { display: block; width: 100%; height: 1.125rem; }
.phases .time { font-size: .875rem; font-variant-numeric: tabular-nums; text-align: right; }
.axis { display: grid; grid-template-columns: 14rem 1fr 14rem; gap: 0 1rem; color: var(--soft); font-size: .8125rem; }
.axis span { display: flex; justify-content: space-between; border-top: 1px solid var(--line); padding-top: .125rem; }
.key svg { width: 1.5rem; height: .75rem; vertical-align: middle; }
.key span { display: inline-block; margin-right: 1.25rem; }
td code { overflow-wrap: anywhere; }
.digest { white-space: nowrap; }
.part { padding-left: 1rem; font-weight: 400; } .step { padding-left: 2rem; font-weight: 400; color: var(--soft); }
.note { display: block; white-space: normal; }
pre { background: var(--panel); padding: .5rem .75rem; border-radius: .375rem; font-size: .75rem; overflow-x: auto; margin: .25rem 0 .75rem; }
.actual { fill: var(--bar); } .wait { fill: var(--wait); } .going { fill: var(--open); }
.predicted { fill: none; stroke: var(--plan); stroke-width: 1; vector-effect: non-scaling-stroke; }
.scroll { overflow-x: auto; }
@media (max-width: 40rem) {
  main { padding: 1rem 1rem 0; }
  footer { padding: 1rem 1rem 2rem; }
  h1 { font-size: 1.5rem; }
  .phases li { grid-template-columns: minmax(45%, 1fr) auto; padding: .5rem 0; }
  .phases svg { grid-row: 2; grid-column: 1 / -1; }
  .axis { display: block; }
  .criteria li { display: block; }
  .criteria p { display: inline; margin-left: .5rem; }
  .dates dl > div { grid-template-columns: 1fr; }
  table.stack thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  table.stack tr { display: grid; grid-template-columns: minmax(0, 1fr); padding: .5rem 0; border-bottom: 1px solid var(--line); }
  table.stack tr:last-child { border-bottom: 0; }
  table.stack td, table.stack th { border: 0; padding: 0; text-align: left; white-space: normal; }
  table.stack td[data-head]::before { content: attr(data-head) " "; color: var(--soft); font-size: .8125rem; }
}
@media print {
  :root {
    --ink: #000; --soft: #444; --line: #bbb; --ground: #fff; --panel: #f2f2f2;
    --good: #1a7340; --bad: #b3261e; --open: #8a5a00; --bar: #3b6ea5; --wait: #b9c2cc; --plan: #777;
  }
  html { font-size: 11px; }
  body { font-size: 1rem; }
  main, footer { max-width: none; padding: 0; }
  details::details-content { content-visibility: visible; display: block; block-size: auto; }
  pre { white-space: pre-wrap; }
  table, td .small, th .small { font-size: 9px; } thead th { font-size: 8px; } td code { font-size: inherit; }
  th, td { padding-right: .375rem; }
  thead th, td.n, th.n, .mark, .digest { white-space: normal; overflow-wrap: anywhere; }
  tr, li, .cause { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`);
