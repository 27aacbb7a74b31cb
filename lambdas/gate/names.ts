import unhomoglyph from "unhomoglyph";
import { areOneFirstName } from "./first-names.ts";

/** The name under which a gate is closed when its time ends without an answer. */
export const SLUICE = "Sluice";

/** True for a text that can identify a person: it has a letter or a digit. */
export function isName(text: string | null | undefined): text is string {
  return typeof text === "string" && wordsOf(text).length > 0;
}

/** True for a name that mixes scripts with look-alike letters: it could imitate another name. */
export function mixesScripts(name: string): boolean {
  return LOOK_ALIKES.filter((script) => script.test(name)).length > 1;
}

/** Returns what is wrong with a typed name, as a sentence for the page; undefined: nothing. */
export function nameProblem(name: string): string | undefined {
  if (!isName(name)) return "Type your name.";
  if (samePerson(name, SLUICE))
    return `Type your name. "${SLUICE}" is reserved for gates that nobody answers in time.`;
  if (mixesScripts(name))
    return "Type your name in the letters of one script. Mixed look-alike letters could imitate another name.";
  return undefined;
}

/**
 * How two names relate. `same`: the same words, in any spelling or order. `unclear`: they may mean one person, because
 * one name contains the other or its initials. `other`: two different people.
 */
export type Relation = "same" | "unclear" | "other";

export function relationOf(one: string, other: string): Relation {
  const [a, b] = [partsOf(one), partsOf(other)];
  if (a.length > 1 && b.length > 1) return relationOfParts(a, b);
  const relation = closest(a.flatMap((x) => b.map((y) => relationOfWords(x, y))));
  return relation === "other" && butForAdditions(one, other) ? "unclear" : relation;
}

/** True when two names may mean one person. Then neither may approve the other's run, and both count as one approver. */
export function samePerson(one: string, other: string): boolean {
  return relationOf(one, other) !== "other";
}

// Scripts whose letters look the same on a page.
const LOOK_ALIKES = [/\p{sc=Latin}/u, /\p{sc=Cyrillic}/u, /\p{sc=Greek}/u, /\p{sc=Armenian}/u];

/**
 * A word in the forms that are compared: its letters in lower case, and two skeletons by UTS 39, which are equal for
 * look-alikes. One skeleton is of the typed text, where a capital I looks like an l; the other is of its lower case.
 */
interface Word {
  letters: string;
  /** With `ae` for ä, `oe` for ö and so on. */
  spelled: string;
  skeletons: readonly [string, string];
}

/** Splits a name at slashes. An ARN or role path gives only the session's name; `Name / Team` gives both parts in order. */
function partsOf(name: string): Word[][] {
  const parts = name.split(SLASH).filter((part) => wordsOf(part).length > 0);
  const last = parts.at(-1) ?? name;
  const path = /^\s*arn:/.test(name) || (/@/.test(last) && !/\s\/|\/\s/.test(name));
  return parts.length < 2 || path ? [wordsOf(last)] : parts.map(wordsOf);
}

// With the characters that look like a slash.
const SLASH = /[/\u2044\u2215\uff0f\\]/;

/** Compares two names with teams. If the last parts are the same, they are the team, and only the names count. */
function relationOfParts(one: readonly Word[][], other: readonly Word[][]): Relation {
  const [oneLast, otherLast] = [one.at(-1) ?? [], other.at(-1) ?? []];
  const [oneFirst, otherFirst] = [one[0] ?? [], other[0] ?? []];
  const names = relationOfWords(oneFirst, otherFirst);
  if (relationOfWords(oneLast, otherLast) === "same") return names;
  // One name in two teams, or two names of a team that is written first.
  if (names === "same") return "unclear";
  const crosswise = closest([relationOfWords(oneFirst, otherLast), relationOfWords(oneLast, otherFirst)]);
  return crosswise === "other" ? names : "unclear";
}

function closest(relations: readonly Relation[]): Relation {
  return relations.includes("same") ? "same" : relations.includes("unclear") ? "unclear" : "other";
}

/** Whether both names are the same without additions: a title, or a team in brackets, after a dash or after a comma. */
function butForAdditions(one: string, other: string): boolean {
  const [a, b] = [withoutAdditions(one), withoutAdditions(other)];
  return a !== one && b !== other && relationOfWords(wordsOf(a), wordsOf(b)) !== "other";
}

function withoutAdditions(name: string): string {
  return (
    name
      .replace(/[([{<][^)\]}>]*[)\]}>]?/g, " ")
      .replace(/\s[-–—|:]+\s.*|[|;].*/, " ")
      // `Surname, First` has one word before the comma, so the part after it is no addition.
      .replace(/^([^,]*\S\s+\S[^,]*),.*/, "$1")
      .replace(
        /(?<![\p{L}\p{N}])(dr|prof|mr|mrs|ms|mx|miss|sir|dame|herr|frau|ing|dipl)(?![\p{L}\p{N}])\.?/giu,
        " ",
      )
      .replace(/(?<![\p{L}\p{N}])(ph\.?d|m\.?d|msc|bsc|mba|jr|sr|ii|iii)\.?\s*$/iu, " ")
      .trim()
  );
}

function wordsOf(name: string): Word[] {
  // A mail domain identifies no person. A bar before a letter stands for an l.
  const text = name.replace(/(?<=[^\s<])@[\w.-]+/g, " ").replace(/(?<![\p{L}\p{N}])\|(?=\p{Ll})/gu, "l");
  const spelled = chunks(text.normalize("NFKC").replace(/[äæåöøüþ]/gi, (c) => SPELLED[c.toLowerCase()] ?? c));
  return chunks(text).map((text, i) => ({
    letters: folded(text),
    spelled: folded(spelled[i] ?? text),
    skeletons: [folded(skeleton(text)), skeleton(folded(text))],
  }));
}

function chunks(text: string): string[] {
  return (
    text
      .normalize("NFKD")
      // Invisible marks, accents, rings, apostrophes, and the vowel signs of Arabic and Hebrew do not separate words.
      .replace(
        /\p{DI}|[\u0300-\u036f]|[\u0591-\u05c7]|[\u064b-\u065f]|\u0670|[\u20d0-\u20f0]|['’‘‛′`´\u02b9-\u02c1]/gu,
        "",
      )
      .split(/[^\p{L}\p{N}\p{M}]+/u)
      .filter((text) => /[\p{L}\p{N}]/u.test(text))
  );
}

/** Spellings of letters that a keyboard lacks. */
const SPELLED: Readonly<Record<string, string>> = {
  ä: "ae",
  æ: "ae",
  å: "aa",
  ö: "oe",
  ø: "oe",
  ü: "ue",
  þ: "th",
};

function relationOfWords(one: readonly Word[], other: readonly Word[]): Relation {
  if (one.length === 0 || other.length === 0) return "other";
  if (one.length > other.length) return relationOfWords(other, one);
  if (alike(joined(one), joined(other))) return "same";
  if (one.length === other.length && fits(one, other, alike)) return "same";
  if (mayFit(one, other)) return "unclear";
  const [alone] = one;
  if (one.length > 1 || !alone) return "other";
  // Written as one word: `alovelace`, `adal`, `al`. In scripts without blanks, a part of the whole name.
  return shortForms(other).some((form) => alike(form, alone)) || isPartWithoutBlanks(alone, joined(other))
    ? "unclear"
    : "other";
}

/** Whether the other name may contain these words: as initials, as short forms, or joined. */
function mayFit(words: readonly Word[], others: readonly Word[]): boolean {
  const same = (a: Word, b: Word) =>
    alike(a, b) || isInitialOf(a, b) || isInitialOf(b, a) || isNumbered(a, b);
  if (fits(words, others, same)) return true;
  // A short form alone is weak evidence. Together with an equal word, it may be the same person.
  const sharesOne = words.some((a) => others.some((b) => alike(a, b)));
  if (words.length > 1 && sharesOne && fits(words, others, (a, b) => same(a, b) || isShortFor(a, b)))
    return true;
  return (
    words.length > 1 &&
    (withInitialsApart(words).some((apart) => apart.length <= others.length && fits(apart, others, same)) ||
      withTwoAsOne(others).some((fewer) => fewer.length >= words.length && fits(words, fewer, same)))
  );
}

/** `lovelace2` counts as `lovelace`; `user1` and `user2` may be two people. */
function isNumbered(one: Word, other: Word): boolean {
  const [a, b] = [one.letters, other.letters].map((letters) => letters.replace(/(?<=\p{L}{2})\d+$/u, ""));
  return a === b && (a === one.letters || b === other.letters);
}

/** Alex for Alexander, or Bob for Robert. */
function isShortFor(one: Word, other: Word): boolean {
  const [short, long] = [one.letters, other.letters].sort((a, b) => a.length - b.length) as [string, string];
  const begins = short.length >= 3 && long.length - short.length >= 3 && long.startsWith(short);
  return begins || areOneFirstName(short, long);
}

/** `JL Picard` as `J L Picard`. */
function withInitialsApart(words: readonly Word[]): Word[][] {
  return words.flatMap((word, i) => {
    const { letters } = word;
    if (lengthOf(word) < 2 || lengthOf(word) > 3) return [];
    return [words.toSpliced(i, 1, ...wordsOf([...letters].join(" ")))];
  });
}

/** `Ronald Mc Donald` as `Ronald McDonald`. */
function withTwoAsOne(words: readonly Word[]): Word[][] {
  return words.slice(1).map((_, i) => words.toSpliced(i, 2, joined(words.slice(i, i + 2))));
}

/** Whether each word can be paired with a different one of the others, in any order. */
function fits(
  words: readonly Word[],
  others: readonly Word[],
  match: (a: Word, b: Word) => boolean,
): boolean {
  // Augmenting paths: a paired word moves to another partner if it can. Trying all orders of many words would take years.
  const takenBy = new Map<Word, Word>();
  const take = (word: Word, asked: Set<Word>): boolean =>
    others.some((other) => {
      if (asked.has(other) || !match(word, other)) return false;
      asked.add(other);
      const holder = takenBy.get(other);
      if (holder && !take(holder, asked)) return false;
      takenBy.set(other, word);
      return true;
    });
  return words.every((word) => take(word, new Set()));
}

function alike(one: Word, other: Word): boolean {
  return (
    one.letters === other.letters ||
    one.spelled === other.spelled ||
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

/** Chinese, Japanese and Korean names have no blanks, so a surname or given name is the beginning or end of the whole. */
function isPartWithoutBlanks(one: Word, other: Word): boolean {
  const [short, long] = one.letters.length < other.letters.length ? [one, other] : [other, one];
  return (
    /^[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{M}]+$/u.test(short.letters) &&
    (long.letters.startsWith(short.letters) || long.letters.endsWith(short.letters))
  );
}

function initial({ letters, skeletons }: Word): Word {
  const first = (text: string) => [...text][0] ?? "";
  return {
    letters: first(letters),
    spelled: first(letters),
    skeletons: [first(skeletons[0]), first(skeletons[1])],
  };
}

function joined(words: readonly Word[]): Word {
  const all = (part: (word: Word) => string) => words.map(part).join("");
  return {
    letters: all(({ letters }) => letters),
    spelled: all(({ spelled }) => spelled),
    skeletons: [all(({ skeletons }) => skeletons[0]), all(({ skeletons }) => skeletons[1])],
  };
}

function lengthOf({ letters }: Word): number {
  return [...letters].length;
}

/** Folds case and accents. Upper case comes first, because it also folds ß and ſ, which lower case leaves. */
function folded(text: string): string {
  return (
    text
      .toUpperCase()
      .toLowerCase()
      .normalize("NFKD")
      .replace(/[\u0300-\u036f]/g, "")
      // Latin small capitals have no upper case. Katakana is folded to hiragana.
      .replace(
        /[ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ]/gu,
        (c) => "abcdefghijklmnoprstuvwyz"["ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ".indexOf(c)] ?? c,
      )
      .replace(/[ァ-ヶ]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0x60))
  );
}

function skeleton(text: string): string {
  return unhomoglyph(text.normalize("NFD")).normalize("NFD");
}
