/** Who a gate is closed by where no person did: at the end of its time. */
export const SLUICE = "Sluice";

/** True for a text that can tell one person from another. */
export function isName(text: string | null | undefined): text is string {
  return typeof text === "string" && /[\p{L}\p{N}]/u.test(normalised(text));
}

/** True for a name in letters that only look alike: it could pass for another's. */
export function mixesScripts(name: string): boolean {
  return LOOK_ALIKES.filter((script) => script.test(name)).length > 1;
}

/** True when two ways to name a person may mean the same one: case, accents, dots, mail domains and role paths aside. */
export function samePerson(one: string, other: string): boolean {
  const names = spellings(other);
  return spellings(one).some((name) => names.includes(name));
}

// Scripts with letters that cannot be told from one another on a page.
const LOOK_ALIKES = [/\p{sc=Latin}/u, /\p{sc=Cyrillic}/u, /\p{sc=Greek}/u, /\p{sc=Armenian}/u];

function spellings(name: string): string[] {
  const last = name.split("/").at(-1) ?? name;
  return [name, last, last.split("@")[0] ?? last].map(normalised).filter((text) => text !== "");
}

function normalised(name: string): string {
  return (
    name
      .normalize("NFKD")
      // Upper case first: it also folds what has no lower case of its own, such as ß and ſ.
      .toUpperCase()
      .toLowerCase()
      // Accents go; the marks of other scripts stay, as they are vowels and make another name.
      .replace(/[^\p{L}\p{N}\p{M}]|[\u0300-\u036f]|\p{DI}/gu, "")
  );
}
