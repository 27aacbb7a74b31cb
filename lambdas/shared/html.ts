import { cutRows, cutText, visible } from "./text.ts";

/** Text that is already markup: made by `html` or `raw`, never by joining strings. */
export class Html {
  readonly markup: string;
  constructor(markup: string) {
    this.markup = markup;
  }
  toString(): string {
    return this.markup;
  }
}

/** A value in a template. Null, undefined and false become empty text, so that `cond && html` works. */
export type HtmlValue = Html | string | number | bigint | null | undefined | false | readonly HtmlValue[];

/**
 * A template that escapes by default: every value is text, unless it is Html. The escaping covers text and quoted
 * attributes only. Quote attributes with double or single quotes, and put no values into scripts or styles.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let markup = strings[0] ?? "";
  values.forEach((value, i) => {
    markup += markupOf(value) + (strings[i + 1] ?? "");
  });
  return new Html(markup);
}

/** Takes the markup as it is. Use it only for text from this repository, never for outside text. */
export function raw(markup: string): Html {
  return new Html(markup);
}

/** The most items of any list that its page does not cut itself. */
const MOST_IN_A_PAGE = 1_000;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Returns text as markup, with invisible characters made visible: a page must hold no control characters, not even escaped. */
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
