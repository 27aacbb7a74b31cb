import { endsWithWindow } from "../gate/time.ts";
import { type Html, html } from "../shared/html.ts";
import type { GateView } from "./gate-page.ts";
import { time } from "./layout.ts";

/** What is asked about: which database, which plan, which run, and until when. */
export function facts({ doc, report, settings }: GateView): Html {
  const { request } = report;
  return html`<div class="card"><dl class="facts">
<dt>Database</dt><dd><strong>${settings.instance}</strong> · ${settings.database}</dd>
<dt>Plan</dt><dd>${report.plan.name} <code>${doc.basis.planChecksum.slice(0, 12)}</code></dd>
<dt>Run</dt><dd><code>${report.run}</code></dd>
<dt>Started</dt><dd>${request ? html`${time(request.startedAt)} by ${request.startedBy ?? "(not said)"}` : "(not known)"}</dd>
${request?.reason && html`<dt>Reason</dt><dd>${request.reason}</dd>`}
${
  doc.basis.fingerprint !== null &&
  html`<dt>Catalog</dt><dd><code>${doc.basis.fingerprint.slice(0, 12)}</code></dd>`
}
${doc.window && html`<dt>Window</dt><dd>until ${time(doc.window.ends)}</dd>`}
<dt>Answer by</dt><dd><strong>${time(doc.expiresAt)}</strong>${atItsEnd(doc)}</dd>
</dl></div>`;
}

function atItsEnd(doc: GateView["doc"]): string | false {
  if (endsWithWindow(doc)) return ", when the maintenance window ends: then it counts as a No-Go";
  return doc.escalation && ", or it counts as a No-Go";
}
