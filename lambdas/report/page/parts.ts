import { type Html, type HtmlValue, html } from "../../shared/html.ts";
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
export interface Column<Row> {
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
