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

/** A page for each way in which a link or a form is no good. None says more about a gate than its reader may know. */
function plainPage(title: string, text: string): Html {
  return layout({ title }, html`<h1>${title}</h1><p>${text}</p>`);
}

export const unknownPage = () =>
  plainPage(
    "This link is not known",
    `It may have been cut off in the e-mail: copy the whole line into the address bar. A link to a report ends after ${REPORT_LINK_DAYS} days; the run's evidence still has it, as report.html. Nothing was decided.`,
  );

/** For a report that no answer of Lambda's can hold. */
export const largeReportPage = (link: string) =>
  layout(
    { title: "The report" },
    html`<h1>The report is large</h1><p><a href="${link}">Open the report</a>, if it does not come by itself. This link ends after some minutes: then come back here.</p>`,
  );

export const methodPage = () =>
  plainPage("This page cannot be used like that", "Open the link from the e-mail. Nothing was decided.");

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
    "A part of it is missing, or holds characters that cannot be seen, as text that was copied may. Open the link from the e-mail and type the answer there. Nothing was decided.",
  );

export const brokenPage = () =>
  plainPage(
    "Something went wrong here",
    "Open the link from the e-mail again in a minute. It shows whether your answer was kept.",
  );

export function expiredPage(doc: GateDoc, settings: RunSettings): Html {
  const now = endsWithWindow(doc)
    ? "Then the maintenance window ended. Without an answer it counts as a No-Go."
    : doc.escalation
      ? "Without an answer it counts as a No-Go."
      : "The escalation contacts are asked now, by a link of their own; without an answer of theirs it counts as a No-Go.";
  return gateAnswer(
    doc,
    settings,
    "The time for this answer is over",
    html`<p>It could be answered until ${time(doc.expiresAt)}. ${now}</p>
<p>Nothing was decided by this link.</p>`,
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
    "A newer link has taken this one's place",
    html`<p>This gate was asked again. Use the link in the newest message about it; this one decides nothing any more.</p>
${decision && answer(decision)}
${withheld && withheldNote(withheld)}`,
  );
}

/** One Go of several: what it counts for, and what is still to come. */
export function countedPage(
  { doc, approvals, first }: Extract<Decided, { state: "counted" }>,
  settings: RunSettings,
): Html {
  const missing = (doc.quorum?.approvals ?? 1) - approvals.length;
  return gateAnswer(
    doc,
    settings,
    first ? "Your Go is counted" : "Not counted: a Go of this name was given before",
    html`<h2>What happens now</h2>
<p>Nothing yet: ${count(missing, "other person", "other people")} must say Go by this same link, until ${time(doc.expiresAt)}. Anybody may still say No-Go, and that ends it at once.</p>
${!first && html`<p>If you are another person of the same name, type your name so that it tells you apart.</p>`}
${goesSoFar(doc, approvals)}
<p>You can close this page.</p>`,
  );
}

export interface DecidedView {
  doc: GateDoc;
  decision: GateDecisionDoc;
  told: Delivery;
  withheld: WithheldDoc | undefined;
  /** The reader's answer was a No-Go, and there was a Go. */
  tooLate?: TooLate | undefined;
  /** Who of those that answered may also have published the plan. */
  publishers: readonly string[];
}

/** What has been decided and what happens now. `yours`: the reader's own answer, given just now. */
export function decidedPage(
  { doc, decision, told, withheld, tooLate, publishers }: DecidedView,
  settings: RunSettings,
  reader: "yours" | "another's" | "anyone's",
): Html {
  const word = decision.decision === "Go" ? "Go" : "No-Go";
  const title = {
    yours: `Your ${word} is given`,
    "another's": `Not counted: this gate was answered before, by a ${word}`,
    "anyone's": `This gate is answered: ${word}`,
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
${decision.decision === "Go" && html`<p>Before that it is checked once more that what the page showed is still so. If it is not, the gate is asked again.</p>`}`
}
${toldNote(told)}
<p>You can close this page.</p>`,
  );
}

/** Whoever says No-Go wants the run to stop: an answer that stops nothing must say what does. */
function tooLateNote({ lacks, execution }: TooLate): Html {
  const how = execution
    ? html`<p>To stop it, stop its execution, in the Step Functions console or so:</p>
<pre>aws stepfunctions stop-execution --execution-arn ${execution}</pre>
<p>Sluice then goes back by itself from where the run is, or finishes an opening that has begun. What that means is in the operator runbook, “A run was stopped”.</p>`
    : html`<p>To stop it, press Ctrl-C once in the terminal where it goes on: it then goes back by its own way.</p>`;
  return html`<div class="note no"><h2>Your No-Go does not stop the run: a Go came before it</h2>
<p>${lacks === undefined ? "It is kept, and the report shows it." : html`It is not kept: ${lacks} Go back and send it again.`}</p>
${how}</div>`;
}

function toldNote(told: Delivery): Html | false {
  if (told === "yes") return false;
  return told === "failed"
    ? html`<div class="note no"><h2>The run has not heard it yet</h2><p>The answer is kept and cannot be lost, but the run could not be told. Open the link from the e-mail again in a minute: that tells it again. At the latest it looks by itself, when the gate's time is over.</p></div>`
    : html`<div class="note"><h2>The run does not wait here any more</h2><p>It has heard an answer already, its time had run out, or it was stopped. This answer is kept, but it may have had no effect: look at the run before you rely on it.</p></div>`;
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
<p>${withheld.answer === "Ask" ? "The gate is asked again, by a new link." : "It counts as a No-Go."}</p></div>`;
}

function gateAnswer(doc: GateDoc, settings: RunSettings, title: string, content: Html): Html {
  return layout(
    { title: `${title} (${knownAs(settings)})`, place: `gate ${doc.gate}`, contacts: settings.contacts },
    html`<h1>${title}</h1>
<p class="lead">${questionOf(doc)} <strong>${knownAs(settings)}</strong></p>
${content}`,
  );
}
