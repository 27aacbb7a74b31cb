import type { GateApprovalDoc, GateDoc } from "../shared/documents.ts";
import { type Html, html } from "../shared/html.ts";
import { time } from "./layout.ts";

const NUMBERS = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/** What decides the gate. */
export function goesNeeded({ quorum }: GateDoc): Html | string {
  if (!quorum) return "Only the first answer counts.";
  const many = `${NUMBERS[quorum.approvals]} people of different names`;
  return quorum.starterUnknown
    ? html`A Go takes <strong>${many}</strong>: this run does not say who started it, and who did may not decide alone. A No-Go takes one.`
    : html`A Go takes <strong>${many}</strong>. A No-Go takes one.`;
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
