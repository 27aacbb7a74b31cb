import type { Decided, TooLate } from "../gate/decide.ts";
import { REPORT_LINK_DAYS } from "../gate/link.ts";
import type { Delivery } from "../gate/notify.ts";
import type { GateDecisionDoc, GateDoc, WithheldDoc } from "../shared/documents.ts";
import { endsWithWindow } from "../shared/gates.ts";
import { type Html, html } from "../shared/html.ts";
import type { RunSettings } from "../shared/settings.ts";
import { knownAs } from "../shared/settings.ts";
import { count } from "../shared/text.ts";
import { goesSoFar } from "./choices.ts";
import { layout, questionOf, time } from "./layout.ts";

/** A page for each way that a link or form is invalid. None reveals more about a gate than its reader may know. */
function plainPage(title: string, text: string): Html {
  return layout({ title }, html`<h1>${title}</h1><p>${text}</p>`);
}

export const unknownPage = () =>
  plainPage(
    "This link is not valid",
    `The e-mail may have cut it off: copy the whole line into the address bar. A link to a report works for ${REPORT_LINK_DAYS} days; after that, the report is still in the run's evidence, as report.html. Nothing was decided.`,
  );

/** The page for a report that is too large for a Lambda response. */
export const largeReportPage = (link: string) =>
  layout(
    { title: "The report" },
    html`<h1>The report is large</h1><p><a href="${link}">Open the report</a> if it does not open by itself. This link expires after some minutes: come back here for a new one.</p>`,
  );

export const methodPage = () =>
  plainPage("This request is not valid", "Open the link from the e-mail. Nothing was decided.");

export const foreignPage = () =>
  plainPage(
    "This answer did not come from the gate's own page",
    "Open the link from the e-mail and answer there. Nothing was decided.",
  );

export const typePage = () =>
  plainPage(
    "This answer is not a form",
    "Open the link from the e-mail and answer there. Nothing was decided.",
  );

export const largePage = () =>
  plainPage("This answer is too long", "Go back and shorten the comment. Nothing was decided.");

export const malformedPage = () =>
  plainPage(
    "This answer cannot be read",
    "A part of it is missing or has invisible characters, as copied text may have. Open the link from the e-mail and type the answer there. Nothing was decided.",
  );

export const brokenPage = () =>
  plainPage(
    "Something went wrong",
    "Open the link from the e-mail again in a minute. It shows whether your answer was stored.",
  );

export function expiredPage(doc: GateDoc, settings: RunSettings): Html {
  const now = endsWithWindow(doc)
    ? "Then the maintenance window ended. If nobody answered in time, that counts as a No-Go."
    : doc.escalation
      ? "If nobody answered in time, that counts as a No-Go."
      : "The gate is now open for the escalation contacts, with a new link. If they do not answer either, that counts as a No-Go.";
  return gateAnswer(
    doc,
    settings,
    "The time to answer is over",
    html`<p>This gate was open until ${time(doc.expiresAt)}. ${now}</p>
<p>This link decided nothing.</p>`,
  );
}

export function supersededPage(
  doc: GateDoc,
  decision: GateDecisionDoc | undefined,
  withheld: WithheldDoc | undefined,
  settings: RunSettings,
): Html {
  return gateAnswer(
    doc,
    settings,
    "A newer link replaces this one",
    html`<p>This gate opened again. Use the link in the newest message about it. This one no longer works.</p>
${decision && answer(decision)}
${withheld && withheldNote(withheld)}`,
  );
}

/** The page after one Go of several: it shows how many are still missing. */
export function countedPage(
  { doc, approvals, first }: Extract<Decided, { state: "counted" }>,
  settings: RunSettings,
): Html {
  const missing = (doc.quorum?.approvals ?? 1) - approvals.length;
  return gateAnswer(
    doc,
    settings,
    first ? "Your Go is counted" : "Not counted: this name has already given a Go",
    html`<h2>What happens now</h2>
<p>Nothing yet: ${count(missing, "other person", "other people")} must give a Go by this same link, until ${time(doc.expiresAt)}. A No-Go from anybody still closes the gate at once.</p>
${!first && html`<p>If you are another person with the same name, add something that distinguishes you.</p>`}
${goesSoFar(doc, approvals)}
<p>You can close this page.</p>`,
  );
}

export interface DecidedView {
  doc: GateDoc;
  decision: GateDecisionDoc;
  told: Delivery;
  withheld: WithheldDoc | undefined;
  /** Present where the reader's No-Go came after a Go. */
  tooLate?: TooLate | undefined;
  /** The names of the people who answered and may also have published the plan. */
  publishers: readonly string[];
}

/** The page of a decided gate: the decision and what happens now. `yours`: the reader has just given this answer. */
export function decidedPage(
  { doc, decision, told, withheld, tooLate, publishers }: DecidedView,
  settings: RunSettings,
  reader: "yours" | "another's" | "anyone's",
): Html {
  const word = decision.decision === "Go" ? "Go" : "No-Go";
  const title = {
    yours: `Your ${word} is given`,
    "another's": `Not counted: this gate was already decided (${word})`,
    "anyone's": `This gate is decided: ${word}`,
  }[reader];
  return gateAnswer(
    doc,
    settings,
    title,
    html`${tooLate && tooLateNote(tooLate)}
${answer(decision)}
${publishers.length > 0 && html`<p class="note"><strong>${publishers.join(", ")} also published this plan.</strong></p>`}
${
  withheld
    ? withheldNote(withheld)
    : html`<h2>What happens now</h2>
<p>${decision.decision === "Go" ? doc.go : doc.noGo}</p>
${decision.decision === "Go" && html`<p>First Sluice checks that everything the page showed is unchanged. If something changed, the gate opens again.</p>`}`
}
${toldNote(told)}
<p>You can close this page.</p>`,
  );
}

/** A person who answers No-Go wants the run to stop. This No-Go came too late, so the note shows what stops the run. */
function tooLateNote({ lacks, execution }: TooLate): Html {
  const how = execution
    ? html`<p>To stop the run, stop its execution in the Step Functions console, or with this command:</p>
<pre>aws stepfunctions stop-execution --execution-arn ${execution}</pre>
<p>Sluice then goes back automatically from where the run is, or finishes an opening that has begun. The operator runbook explains this under “A run was stopped”.</p>`
    : html`<p>To stop the run, press Ctrl-C once in its terminal. The run then goes back by its own way.</p>`;
  return html`<div class="note no"><h2>Your No-Go does not stop the run: a Go came before it</h2>
<p>${lacks === undefined ? "It is stored, and the report shows it." : html`It is not stored: ${lacks} Go back and send it again.`}</p>
${how}</div>`;
}

function toldNote(told: Delivery): Html | false {
  if (told === "yes") return false;
  return told === "failed"
    ? html`<div class="note no"><h2>The run does not have the answer yet</h2><p>The answer is stored and cannot be lost, but it did not reach the run. Open the link from the e-mail again in a minute: that sends it again. When the gate's time ends, the run reads it in any case.</p></div>`
    : html`<div class="note"><h2>The run no longer waits at this gate</h2><p>It already has an answer, its time had run out, or it was stopped. This answer is stored, but it may have had no effect: look at the run before you rely on it.</p></div>`;
}

function answer({ decision, by, at, comment }: GateDecisionDoc): Html {
  const go = decision === "Go";
  return html`<div class="note ${go ? "go" : "no"}">
<h2><span aria-hidden="true">${go ? "✓ " : "✕ "}</span>${go ? "Go" : "No-Go"}, by ${by}</h2>
<p>${time(at)}</p>
${comment !== "" && html`<p class="comment">${comment}</p>`}
</div>`;
}

function withheldNote(withheld: WithheldDoc): Html {
  return html`<div class="note"><h2>This Go did not take effect</h2>
<ul>${withheld.changed.map((line) => html`<li>${line}</li>`)}</ul>
<p>${withheld.answer === "Ask" ? "The gate opens again, with a new link." : "It counts as a No-Go."}</p></div>`;
}

function gateAnswer(doc: GateDoc, settings: RunSettings, title: string, content: Html): Html {
  return layout(
    { title: `${title} (${knownAs(settings)})`, place: `gate ${doc.gate}`, contacts: settings.contacts },
    html`<h1>${title}</h1>
<p class="lead">${questionOf(doc)} <strong>${knownAs(settings)}</strong></p>
${content}`,
  );
}
