import type { GateDoc } from "../shared/documents.ts";
import { type Html, type HtmlValue, html, raw } from "../shared/html.ts";
import type { RunSettings } from "../shared/settings.ts";
import { STYLE } from "./style.ts";

export interface Frame {
  title: string;
  /** Beside the name at the top: where this page belongs. */
  place?: string;
  /** Where the skip link leads; absent where the page is short. */
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

/** The question as a sentence of its own. */
export function questionOf(doc: GateDoc): string {
  return doc.question.charAt(0).toUpperCase() + doc.question.slice(1);
}

/** `2026-11-03 02:14 UTC`, and for machines in full. */
export function time(iso: string): Html {
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC</time>`;
}
