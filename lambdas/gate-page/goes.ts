import type { GateApprovalDoc, GateDoc } from "../shared/documents.ts";
import { type Html, html } from "../shared/html.ts";
import { time } from "./layout.ts";

const NUMBERS = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/** What a gate that needs several Goes asks of its readers; nothing where one is enough. */
export function goesNeeded({ quorum }: GateDoc): Html | false {
  if (!quorum) return false;
  const many = `${NUMBERS[quorum.approvals]} people of different names`;
  return quorum.starterUnknown
    ? html`<p>A Go takes <strong>${many}</strong>: this run does not say who started it, and who did may not decide alone. A No-Go takes one.</p>`
    : html`<p>A Go takes <strong>${many}</strong>. A No-Go takes one.</p>`;
}

/** Who has said Go until now. */
export function goesSoFar({ quorum }: GateDoc, approvals: readonly GateApprovalDoc[]): Html | false {
  if (!quorum) return false;
  return html`<div class="note${approvals.length > 0 && " go"}"><h3>Go so far: ${approvals.length} of ${quorum.approvals}</h3>
${
  approvals.length > 0 &&
  html`<ul>${approvals.map(({ by, at, comment }) => html`<li><strong>${by}</strong>, ${time(at)}${comment !== "" && html`<br><span class="comment">${comment}</span>`}</li>`)}</ul>`
}</div>`;
}
