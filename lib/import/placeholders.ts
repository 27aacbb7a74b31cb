import { Lines } from "../plan/scan.ts";
import { type Finding, hasWayBack, type ImportedMigration, type Part } from "./imported.ts";

// Names in a file that its tool replaces before the database sees them. Sluice does not know the values, and a wrong
// one would be applied: so each is named, and is replaced by what the person gives or keeps the file from being imported.

export interface Syntax {
  /** Its one group is the name. */
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
    const text = part.text.replace(pattern, (found: string, name: string, offset: number) => {
      const value = values.get(name);
      if (value !== undefined) {
        used.add(name);
        return value;
      }
      doubts.push({
        file: part.file,
        line: lines.of(offset),
        says: `${by} ${found} by ${/^[\w.:-]+$/.test(name) ? `a value that is not in the folder. Give it: --value ${name}=...` : "what it works out itself. Write that into the file"}`,
      });
      return found;
    });
    return { ...part, text };
  };
  const { up, down, verify } = migration;
  return {
    migration: {
      ...migration,
      up: replaced(up),
      down: hasWayBack(down) ? replaced(down) : down,
      ...(verify ? { verify: replaced(verify) } : {}),
      doubts: [...migration.doubts, ...doubts],
    },
    used,
    open: new Set(doubts.map(({ file }) => file)),
  };
}
