import { Lines } from "../plan/scan.ts";
import type { Finding, ImportedMigration, Part } from "./imported.ts";

// Names in a file that its tool replaces before the database sees them. Sluice does not know the values, and a wrong
// one would be applied: so each is named, and is replaced by what the person gives or keeps the file from being imported.

export interface Syntax {
  /** Its first group, or the second, is the name. */
  pattern: RegExp;
  /** Of the tool, in a sentence: `Flyway replaces ${x}`. */
  by: string;
}

export interface Replaced {
  migration: ImportedMigration;
  /** Names that were replaced. */
  used: ReadonlySet<string>;
  /** Files with a name that was not: they are no SQL yet. */
  open: ReadonlySet<string>;
}

export function replacePlaceholders(
  migration: ImportedMigration,
  { pattern, by }: Syntax,
  values: ReadonlyMap<string, string>,
): Replaced {
  const used = new Set<string>();
  const doubts: Finding[] = [];
  const replaced = (part: Part): Part => {
    const lines = new Lines(part.text, part.line);
    return { ...part, text: filled(part, lines) };
  };
  const filled = (part: Part, lines: Lines): string =>
    part.text.replace(pattern, (found: string, ...rest: unknown[]) => {
      const groups = rest.filter((one): one is string => typeof one === "string");
      const name = groups[0] ?? found;
      const value = values.get(name);
      if (value !== undefined) {
        used.add(name);
        return value;
      }
      const offset = rest.find((one): one is number => typeof one === "number") ?? 0;
      doubts.push({
        file: part.file,
        line: lines.of(offset),
        says: `${by} ${found} by ${/^[\w.:-]+$/.test(name) ? `a value that is not in the folder. Give it: --value ${name}=...` : "what it works out itself. Write that into the file"}`,
      });
      return found;
    });
  const { up, down, verify } = migration;
  return {
    migration: {
      ...migration,
      up: replaced(up),
      down: "none" in down ? down : replaced(down),
      ...(verify ? { verify: replaced(verify) } : {}),
      doubts: [...migration.doubts, ...doubts],
    },
    used,
    open: new Set(doubts.map(({ file }) => file)),
  };
}
