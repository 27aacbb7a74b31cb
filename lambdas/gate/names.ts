/** True when two ways to name a person may mean the same one: case, accents, dots, mail domains and role paths aside. */
export function samePerson(one: string, other: string): boolean {
  const names = spellings(other);
  return spellings(one).some((name) => names.includes(name));
}

function spellings(name: string): string[] {
  const last = name.split("/").at(-1) ?? name;
  return [name, last, last.split("@")[0] ?? last].map(normalised).filter((text) => text !== "");
}

function normalised(name: string): string {
  return name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "");
}
