/** Text that is markup already: made by `html` or `raw`, never by joining strings. */
export class Html {
  readonly markup: string;
  constructor(markup: string) {
    this.markup = markup;
  }
  toString(): string {
    return this.markup;
  }
}

/** What a template may hold. Null, undefined and false are nothing, so that `cond && html` reads as it should. */
export type HtmlValue = Html | string | number | bigint | null | undefined | false | readonly HtmlValue[];

/**
 * A template that escapes by default: everything put into it is text, unless it is Html. Attributes must be quoted
 * with double or single quotes; the escaping is made for text and for quoted attributes, not for scripts or styles.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let markup = strings[0] ?? "";
  values.forEach((value, i) => {
    markup += markupOf(value) + (strings[i + 1] ?? "");
  });
  return new Html(markup);
}

/** Takes the markup as it is. Only for text that no one outside this repository had a hand in. */
export function raw(markup: string): Html {
  return new Html(markup);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  return withoutControls(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

// Control characters other than tab and line ends are not allowed in HTML, not even escaped; they are shown as such.
function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g, "\ufffd");
}

function markupOf(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return "";
  if (value instanceof Html) return value.markup;
  if (Array.isArray(value)) return (value as readonly HtmlValue[]).map(markupOf).join("");
  return escapeHtml(String(value));
}
