/**
 * Text from outside (plans, catalogs, checks, servers, people) as something to read, and nothing else. Each place that
 * shows it to people where it could do more than be read, a terminal or a message, puts it through here.
 */

// Control characters; marks that turn the direction of text; line ends of Unicode's own; and what cannot be seen, but
// for the two characters that join letters, which some scripts need.
const UNSEEN = /[\p{Cc}\ufffe\uffff\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;
const KEPT = new Set(["\n", "\t", "\u200c", "\u200d", "\ufe0e", "\ufe0f"]);

/** The same text with everything shown that would be obeyed or cannot be seen; lines and tabs stay. */
export function visible(text: string): string {
  return text
    .replace(/\r\n/g, "\n")
    .replace(UNSEEN, (character) => (KEPT.has(character) ? character : shown(character)));
}

/** Such as `␛` for the character that begins a terminal's commands, and `<U+202E>` for what has no picture. */
function shown(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

/** Without line breaks, tabs and other characters that would not stay on one line. */
export const oneLine = (text: string) => text.replace(/[\s\p{Cc}\u2028\u2029]+/gu, " ").trim();

/** On one line, and no address that mail programs are sure to make a link of: for messages. */
export function plain(text: string): string {
  return visible(text.replace(/\s+/g, " ").trim())
    .replace(/:\/\//g, ": //")
    .replace(/www\./gi, "www .")
    .replace(/mailto:/gi, "mailto :");
}

/** A value, such as an event of a run, with every text in it made visible; what is no plain data stays as it is. */
export function visibleIn<T>(value: T): T {
  if (typeof value === "string") return visible(value) as T;
  if (Array.isArray(value)) return value.map(visibleIn) as T;
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, visibleIn(one)])) as T;
}

/** JSON whose text a terminal shows and does not obey; as data it is the same. */
export function plainJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNSEEN, (character) =>
    character === "\n"
      ? character
      : [...Array(character.length).keys()]
          .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`)
          .join(""),
  );
}
