import unhomoglyph from "unhomoglyph";

/** Who a gate is closed by where no person did: at the end of its time. */
export const SLUICE = "Sluice";

/** True for a text that can tell one person from another. */
export function isName(text: string | null | undefined): text is string {
  return typeof text === "string" && wordsOf(text).length > 0;
}

/** True for a name in letters that only look alike: it could pass for another's. */
export function mixesScripts(name: string): boolean {
  return LOOK_ALIKES.filter((script) => script.test(name)).length > 1;
}

/** What is wrong with a name that somebody typed; undefined: nothing. */
export function nameProblem(name: string): string | undefined {
  if (!isName(name)) return "Type your name.";
  if (samePerson(name, SLUICE)) return `Type your name. ${SLUICE} itself answers where nobody did in time.`;
  if (mixesScripts(name))
    return "Type your name in the letters of one script: one with letters that only look alike could pass for another's.";
  return undefined;
}

/**
 * How two ways to name a person relate. `same`: they are the same words, however they are written; `unclear`: they may
 * mean one person, as the words of one are within the other's, or are its initials; `other`: neither.
 */
export type Relation = "same" | "unclear" | "other";

export function relationOf(one: string, other: string): Relation {
  const relations = readings(one).flatMap((a) => readings(other).map((b) => relationOfWords(a, b)));
  return relations.includes("same") ? "same" : relations.includes("unclear") ? "unclear" : "other";
}

/** True when two names may mean one person: neither may approve what the other started, nor count beside the other. */
export function samePerson(one: string, other: string): boolean {
  return relationOf(one, other) !== "other";
}

// Scripts with letters that cannot be told from one another on a page.
const LOOK_ALIKES = [/\p{sc=Latin}/u, /\p{sc=Cyrillic}/u, /\p{sc=Greek}/u, /\p{sc=Armenian}/u];

/**
 * A word as it is compared: its letters in lower case, and two skeletons by UTS 39, which are equal for what looks
 * alike: of what was typed, as a capital I looks like an l; and of its lower case.
 */
interface Word {
  letters: string;
  skeletons: readonly [string, string];
}

/** The ways to read a name: of an ARN and a path of a role the session's name, of `Name / Team` the name. */
function readings(name: string): Word[][] {
  const parts = name.split("/").filter((part) => wordsOf(part).length > 0);
  const last = parts.at(-1) ?? name;
  if (parts.length < 2) return [wordsOf(last)];
  if (/^\s*arn:/.test(name) || (/@/.test(last) && !/\s\/|\/\s/.test(name))) return [wordsOf(last)];
  // People put blanks into it, and no role's path holds any.
  const forPeople = parts.some((part) => /\s/.test(part.trim())) || /\s\/|\/\s/.test(name);
  return forPeople ? [wordsOf(parts[0] ?? name)] : [wordsOf(parts[0] ?? name), wordsOf(last)];
}

function wordsOf(name: string): Word[] {
  return (
    name
      // Where the mail goes names no person.
      .replace(/(?<=[^\s<])@[\w.-]+/g, " ")
      .normalize("NFKD")
      // Marks that cannot be seen, and accents, part no words; an apostrophe is within one.
      .replace(/\p{DI}|[\u0300-\u036f]|['’`´ʼ]/gu, "")
      .split(/[^\p{L}\p{N}\p{M}]+/u)
      .filter((text) => /[\p{L}\p{N}]/u.test(text))
      .map((text) => ({ letters: folded(text), skeletons: [folded(skeleton(text)), skeleton(folded(text))] }))
  );
}

function relationOfWords(one: readonly Word[], other: readonly Word[]): Relation {
  if (one.length === 0 || other.length === 0) return "other";
  if (one.length > other.length) return relationOfWords(other, one);
  if (alike(joined(one), joined(other))) return "same";
  if (one.length === other.length && fits(one, other, alike)) return "same";
  if (fits(one, other, (a, b) => alike(a, b) || isInitialOf(a, b) || isInitialOf(b, a))) return "unclear";
  const [alone] = one;
  if (one.length > 1 || !alone) return "other";
  // Written as one word: `alovelace`, `adal`, `al`; where there are no blanks, a part of the whole.
  return shortForms(other).some((form) => alike(form, alone)) || isPartWithoutBlanks(alone, joined(other))
    ? "unclear"
    : "other";
}

/** Whether each of the words has one of its own among the others, in any order. */
function fits(
  words: readonly Word[],
  others: readonly Word[],
  match: (a: Word, b: Word) => boolean,
): boolean {
  const [word, ...rest] = words;
  if (!word) return true;
  return others.some((other, i) => match(word, other) && fits(rest, others.toSpliced(i, 1), match));
}

function alike(one: Word, other: Word): boolean {
  return (
    one.letters === other.letters ||
    one.skeletons[0] === other.skeletons[0] ||
    one.skeletons[1] === other.skeletons[1]
  );
}

function isInitialOf(one: Word, other: Word): boolean {
  return alike(one, initial(other)) && lengthOf(one) === 1;
}

function shortForms(words: readonly Word[]): Word[] {
  const [first, last] = [words[0], words.at(-1)];
  if (!first || !last || words.length < 2) return [];
  return [
    joined(words.map(initial)),
    joined([initial(first), last]),
    joined([last, initial(first)]),
    joined([first, initial(last)]),
    joined([first, last]),
    joined([last, first]),
  ];
}

/** Chinese, Japanese and Korean names are written without blanks: a surname is how the whole begins. */
function isPartWithoutBlanks(one: Word, other: Word): boolean {
  const [short, long] = one.letters.length < other.letters.length ? [one, other] : [other, one];
  return (
    /^[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{M}]+$/u.test(short.letters) &&
    (long.letters.startsWith(short.letters) || long.letters.endsWith(short.letters))
  );
}

function initial({ letters, skeletons }: Word): Word {
  const first = (text: string) => [...text][0] ?? "";
  return { letters: first(letters), skeletons: [first(skeletons[0]), first(skeletons[1])] };
}

function joined(words: readonly Word[]): Word {
  const all = (part: (word: Word) => string) => words.map(part).join("");
  return {
    letters: all(({ letters }) => letters),
    skeletons: [all(({ skeletons }) => skeletons[0]), all(({ skeletons }) => skeletons[1])],
  };
}

function lengthOf({ letters }: Word): number {
  return [...letters].length;
}

/** Upper case first: it also folds what has no lower case of its own, such as ß and ſ. */
function folded(text: string): string {
  return text
    .toUpperCase()
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "");
}

function skeleton(text: string): string {
  return unhomoglyph(text.normalize("NFD")).normalize("NFD");
}
