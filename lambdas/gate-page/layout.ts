import { createHash } from "node:crypto";
import { STYLE as REPORT_STYLE } from "../report/page/parts.ts";
import type { GateDoc } from "../shared/documents.ts";
import { type Html, type HtmlValue, html, raw } from "../shared/html.ts";
import type { RunSettings } from "../shared/settings.ts";

interface Frame {
  title: string;
  /** Shown beside the name at the top, such as `gate open`. */
  place?: string;
  /** Target and text of the skip link; absent on a short page. */
  skipTo?: { id: string; text: string };
  contacts?: RunSettings["contacts"];
}

export function layout({ title, place, skipTo, contacts = [] }: Frame, content: HtmlValue): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex, nofollow">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
${skipTo && html`<a class="skip" href="#${skipTo.id}">${skipTo.text}</a>`}
<header><strong>Sluice</strong>${place && html` · ${place}`}</header>
<main>
${content}
</main>
<footer>
${
  contacts.length > 0 &&
  html`<h2>Contacts</h2>
<ul>${contacts.map(({ role, name }) => html`<li>${role}: ${name}</li>`)}</ul>`
}
</footer>
</body>
</html>
`;
}

/** Returns the question as a full sentence. */
export function questionOf(doc: GateDoc): string {
  return doc.question.charAt(0).toUpperCase() + doc.question.slice(1);
}

/** Returns a time element: `2026-11-03 02:14 UTC` as text, the full ISO 8601 time as attribute. */
export function time(iso: string): Html {
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC</time>`;
}

/** The style of all pages. It is one constant, so that the policy can allow exactly this text. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f6f7f8; --card: #ffffff; --ink: #1b2127; --quiet: #55606b; --line: #d5dae0; --focus: #1f5fbf;
  --go: #17693f; --go-soft: #e9f5ee; --on-go: #ffffff;
  --no: #a3231c; --no-soft: #fbeeed; --on-no: #ffffff;
  --warn: #7a4d00; --warn-soft: #fdf4e1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #121518; --card: #1b2025; --ink: #e6e9ec; --quiet: #a3adb7; --line: #353d45; --focus: #8ab8ff;
    --go: #6fd19b; --go-soft: #16291f; --on-go: #08160e;
    --no: #ff9b92; --no-soft: #2e1a19; --on-no: #210504;
    --warn: #f0c069; --warn-soft: #2b2313;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
header, main, footer { max-width: 50rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 1.5rem; color: var(--quiet); font-size: .9375rem; }
header strong { color: var(--ink); letter-spacing: .01em; }
main { padding-bottom: 2rem; }
footer { padding-bottom: 3rem; color: var(--quiet); font-size: .9375rem; }
footer ul { margin: .25rem 0 0; padding: 0; list-style: none; }
h1 { font-size: clamp(1.75rem, 5vw, 2.375rem); line-height: 1.2; margin: 1.25rem 0 .75rem; text-wrap: balance; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.75rem 0 1rem; }
h3 { font-size: 1.0625rem; margin: 0 0 .5rem; }
h4 { font-size: 1rem; margin: 0 0 .375rem; }
p { margin: 0 0 .75rem; }
h1, h2, h3, p, li, dd, td, th, label { overflow-wrap: anywhere; }
.lead { font-size: 1.125rem; color: var(--quiet); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .625rem; padding: 1.25rem; margin: 0 0 1rem; }
.card > :last-child, .note > :last-child { margin-bottom: 0; }
dl.facts { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .375rem 1.25rem; margin: 0; }
dl.facts dt { color: var(--quiet); }
dl.facts dd { margin: 0; }
.entry { border-top: 1px solid var(--line); padding: .875rem 0; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .625rem 1.25rem; margin: 0; font-variant-numeric: tabular-nums; }
.columns dt { color: var(--quiet); font-size: .875rem; }
.columns dd { margin: 0; }
.columns ul { padding-left: 1.25rem; margin: .25rem 0 0; }
.big { font-size: 1.75rem; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; margin: 0 0 .25rem; }
.note { border: 1px solid var(--line); border-left: .375rem solid var(--warn); background: var(--warn-soft); border-radius: .5rem; padding: 1rem 1.25rem; margin: 1.25rem 0; }
.note.no { border-left-color: var(--no); background: var(--no-soft); }
.note.go { border-left-color: var(--go); background: var(--go-soft); }
.note h2, .note h3 { margin: 0 0 .5rem; font-size: 1.0625rem; }
.note ul { margin: 0; padding-left: 1.25rem; }
.choices { display: grid; align-items: start; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
.choices .card { margin: 0; border-top: .375rem solid var(--line); }
.choices .card.go { border-top: .375rem solid var(--go); }
.choices .card.no { border-top: .375rem double var(--no); }
.go h3, .is-go { color: var(--go); }
.no h3, .is-no { color: var(--no); }
.is-open { color: var(--warn); }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: .1875rem solid var(--focus); outline-offset: .125rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-top: 1px solid var(--line); overflow-wrap: break-word; }
thead th { border-top: 0; color: var(--quiet); font-weight: 500; font-size: .875rem; }
tbody th { font-weight: 500; min-width: 9rem; }
td.number, th.number { text-align: right; white-space: nowrap; }
td:last-child, th:last-child { padding-right: 0; }
.status { white-space: nowrap; font-weight: 600; }
ul.plain { margin: 0; padding: 0; list-style: none; }
ul.plain li + li { margin-top: .375rem; }
details { margin-top: .75rem; }
summary { cursor: pointer; padding: .25rem 0; color: var(--quiet); }
form { margin: 0; }
fieldset { border: 0; margin: 0 0 1rem; padding: 0; }
legend { font-weight: 600; padding: 0; margin-bottom: .25rem; }
.tick { display: flex; gap: .75rem; align-items: flex-start; padding: .5rem 0; }
.tick input { flex: none; width: 1.375rem; height: 1.375rem; margin: .0625rem 0 0; accent-color: var(--go); }
.field { margin: 0 0 1rem; }
.field label { display: block; font-weight: 600; margin-bottom: .25rem; }
.hint { display: block; color: var(--quiet); font-size: .9375rem; font-weight: 400; }
.wrong { display: block; color: var(--no); font-weight: 600; margin-top: .25rem; }
input[type=text], textarea {
  width: 100%; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--quiet);
  border-radius: .375rem; padding: .625rem .75rem; min-height: 2.875rem;
}
textarea { min-height: 5.5rem; resize: vertical; }
input[aria-invalid=true], textarea[aria-invalid=true] { border: 2px solid var(--no); }
button {
  width: 100%; font: inherit; font-size: 1.125rem; font-weight: 650; border: 2px solid transparent; border-radius: .5rem;
  padding: .75rem 1.25rem; min-height: 3.25rem; cursor: pointer;
}
.go button { background: var(--go); color: var(--on-go); }
.no button { background: transparent; color: var(--no); border-color: var(--no); }
.no button:hover { background: var(--no-soft); }
.go button:hover { filter: brightness(1.08); }
button.link { background: transparent; color: var(--focus); font-size: 1rem; font-weight: 400; text-align: left; text-decoration: underline; padding: 0; min-height: 2.75rem; }
a { color: var(--focus); }
a:focus-visible, button:focus-visible, input:focus-visible, textarea:focus-visible, summary:focus-visible, [tabindex]:focus-visible {
  outline: .1875rem solid var(--focus); outline-offset: .125rem;
}
code { font: .9375em ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.comment { white-space: pre-wrap; margin: 0; }
.skip { position: absolute; left: -100vw; }
.skip:focus { position: static; display: inline-block; margin: .75rem 1.25rem 0; }
@media (max-width: 30rem) {
  dl.facts { grid-template-columns: 1fr; gap: 0; }
  dl.facts dd + dt { margin-top: .5rem; }
  dl.facts dt { font-size: .875rem; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
@media print { .skip, form { display: none; } }
`;

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

const NO_FEATURES = [
  "accelerometer",
  "autoplay",
  "camera",
  "clipboard-read",
  "display-capture",
  "fullscreen",
  "geolocation",
  "gyroscope",
  "magnetometer",
  "microphone",
  "midi",
  "payment",
  "publickey-credentials-get",
  "screen-wake-lock",
  "usb",
  "xr-spatial-tracking",
];

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  // Two years, without subdomains: the API's domain belongs to AWS.
  "strict-transport-security": "max-age=63072000",
  // The pages are text and forms.
  "permissions-policy": NO_FEATURES.map((name) => `${name}=()`).join(", "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  // The address holds the key, so search engines must not index it.
  "x-robots-tag": "noindex, nofollow",
};

/** Headers of the report's page, which has its own style. */
const REPORT_STYLE_HASH = createHash("sha256").update(REPORT_STYLE.markup).digest("base64");

export const REPORT_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": `default-src 'none'; style-src 'sha256-${REPORT_STYLE_HASH}'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'`,
};
