import { Lines } from "../plan/scan.ts";
import { type Finding, hasWayBack, type ImportedMigration, type Part } from "./imported.ts";

// Names in a file that its tool replaces before the database sees them. Sluice does not know the values, and would apply a
// wrong one. So each name needs a value from the person; without one the file is not imported.

export interface Syntax {
  /** Has one group: the name. */
  pattern: RegExp;
  /** The tool and what it does, as part of a sentence: `Flyway replaces ${x}`. */
  by: string;
}

export interface Replaced {
  migration: ImportedMigration;
  /** Names that were replaced. */
  used: ReadonlySet<string>;
  /** Files with a name that was not replaced, which are no SQL yet. */
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
        says: `${by} ${found} by ${/^[\w.:-]+$/.test(name) ? `a value that is not in the folder. Give it: --value ${name}=...` : "a value that it computes. Write that value into the file"}`,
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
