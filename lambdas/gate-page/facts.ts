import { endsWithWindow } from "../gate/time.ts";
import { type Html, html } from "../shared/html.ts";
import { time } from "./layout.ts";
import type { GateView } from "./view.ts";

/** What is asked about: which database, which plan, which run, and until when. */
export function facts({ doc, report, settings }: GateView): Html {
  const { request } = report;
  const zone = settings.maintenanceWindow?.timeZone;
  return html`<div class="card"><dl class="facts">
<dt>Database</dt><dd><strong>${settings.instance}</strong> · ${settings.database}</dd>
<dt>Answer by</dt><dd><strong>${time(doc.expiresAt)}</strong>${inZone(doc.expiresAt, zone)}${atItsEnd(doc)}</dd>
<dt>Plan</dt><dd>${report.plan.name} <code>${doc.basis.planChecksum.slice(0, 12)}</code></dd>
${publishedRow(report.plan)}
<dt>Run</dt><dd><code>${report.run}</code></dd>
<dt>Started</dt><dd>${request ? html`${time(request.startedAt)} by ${request.startedBy ?? "(not said)"}` : "(not known)"}</dd>
${request?.reason && html`<dt>Reason</dt><dd>${request.reason}</dd>`}
${
  doc.basis.fingerprint !== null &&
  html`<dt>Catalog</dt><dd><code>${doc.basis.fingerprint.slice(0, 12)}</code></dd>`
}
${doc.window && html`<dt>Window</dt><dd>until ${time(doc.window.ends)}${inZone(doc.window.ends, zone)}</dd>`}
</dl></div>`;
}

/** By the clock on the wall, where the settings say whose: `Tue 04:13 in Europe/Berlin`. */
function inZone(iso: string, timeZone: string | undefined): string | false {
  if (timeZone === undefined) return false;
  const format = {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  } as const;
  const parts = new Intl.DateTimeFormat("en-GB", format).formatToParts(new Date(iso));
  const part = (type: string) => parts.find((found) => found.type === type)?.value ?? "";
  return ` (${part("weekday")} ${part("hour")}:${part("minute")} in ${timeZone})`;
}

function atItsEnd(doc: GateView["doc"]): string | false {
  if (endsWithWindow(doc)) return ", when the maintenance window ends: then it counts as a No-Go";
  return doc.escalation && ", or it counts as a No-Go";
}

/** Whose plan it is: by AWS's word who it was, by the publisher's when. */
function publishedRow({ published }: GateView["report"]["plan"]): Html | false {
  if (!published) return false;
  const lines = [
    ...(published.deployed ? [html`deployed with the stack`] : []),
    ...published.by.map(
      ({ by, arn, at }) =>
        html`${at !== "" && html`${time(at)} `}by <strong>${by}</strong> <code>${arn}</code>`,
    ),
  ];
  if (lines.length === 0)
    lines.push(
      html`<strong>by nobody who is noted</strong>: whoever put it there went round \`sluice publish\``,
    );
  return html`<dt>Published</dt><dd>${lines.map((line, i) => html`${i > 0 && html`<br>`}${line}`)}</dd>`;
}
