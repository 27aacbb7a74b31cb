import { type Html, html } from "../shared/html.ts";

/** A verdict in a sign, a word and a colour, so that none of them is needed. */
export function verdict(passed: boolean | null, words: [yes: string, no: string, open: string]): Html {
  if (passed === null)
    return html`<span class="status is-open"><span aria-hidden="true">– </span>${words[2]}</span>`;
  return passed
    ? html`<span class="status is-go"><span aria-hidden="true">✓ </span>${words[0]}</span>`
    : html`<span class="status is-no"><span aria-hidden="true">✕ </span>${words[1]}</span>`;
}
