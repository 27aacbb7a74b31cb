import { cutRows, cutText, visible } from "./text.ts";

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

/** The end of any list that its page does not cut itself. */
const MOST_IN_A_PAGE = 1_000;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as markup. What cannot be seen is shown as such: no page may hold control characters, not even escaped. */
export function escapeHtml(text: string): string {
  return visible(cutText(text)).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

function markupOf(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return "";
  if (value instanceof Html) return value.markup;
  if (Array.isArray(value)) {
    const { shown, more } = cutRows(value as readonly HtmlValue[], MOST_IN_A_PAGE);
    return shown.map(markupOf).join("") + (more > 0 ? ` and ${more} more` : "");
  }
  return escapeHtml(String(value));
}
