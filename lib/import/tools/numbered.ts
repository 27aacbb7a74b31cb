import type { Finding, ImportedFolder, ImportedMigration } from "../imported.ts";
import { byCodeUnit, nameOf, type SourceFolder } from "../source.ts";
import { holdsSql } from "../sql-text.ts";
import { partedByMarks } from "../way-marks.ts";
import { back, byNumber, program, programOf, twice, whole, wordsOf } from "./common.ts";

type Way = "up" | "down";

interface Found {
  /** Digits, and the separators in stamps such as 2026-01-28-115414. */
  version: string;
  name: string;
  way: Way;
}

const UPS = "up|do|apply|forward|migrate|deploy";
const DOWNS = "down|undo|rollback|revert|backward|back|drop";
const WAY = new RegExp(`^(?:(${UPS})|(${DOWNS}))$`, "i");
const IN_NAME = new RegExp(`[._-](?:(${UPS})|(${DOWNS}))\\.sql$`, "i");
/** A number, a release with a number within it such as 00.05.00_02, or a stamp such as 2026-01-28T11:54:14. */
const VERSION =
  /^[Vv]?(\d{4}-\d\d-\d\dT\d\d[.:-]?\d\d(?:[.:-]?\d\d)?Z?|\d+(?:\.\d+)+_\d+|\d+(?:[.-]\d+)*)(?=[._\s-]|$)/;

/** Files of no tool: numbered, with names or folders that show their direction. */
export function readNumbered(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const refusals: Finding[] = [];
  const files = new Map<string, Partial<Record<Way, string>> & { name: string }>();
  const programs: ImportedMigration[] = [];
  for (const path of folder.paths) {
    const found = foundIn(path);
    if (!found) {
      const version = VERSION.exec(nameOf(path))?.[1];
      const means = programOf(path);
      if (/\.sql$/i.test(path)) notes.push({ file: path, says: "is not imported: it has no number" });
      else if (version !== undefined && means !== undefined)
        programs.push(program(path, means, { version, name: nameOf(path), standing: version }));
      continue;
    }
    const known = files.get(found.version) ?? { name: found.name };
    const before = known[found.way];
    if (before !== undefined)
      refusals.push({
        file: path,
        says: `has the number ${found.version}, and so has ${before}: which comes first? Number them, or name the tool: --tool`,
      });
    else
      files.set(found.version, {
        ...known,
        [found.way]: path,
        ...(found.way === "up" ? { name: found.name } : {}),
      });
  }
  const migrations = [...files].flatMap(([version, { up, down, name }]): ImportedMigration[] => {
    if (up === undefined) {
      notes.push({
        file: String(down),
        says: "is a way back without a migration: it is not imported",
      });
      return [];
    }
    const all = whole(folder, up, notes);
    const parted = down === undefined ? partedByMarks(all) : undefined;
    if (parted) notes.push({ file: up, says: parted.says });
    return [
      {
        version,
        aliases: [up, String(/^\d+/.exec(version)?.[0])],
        name: name || version,
        files: down === undefined ? [up] : [up, down],
        up: parted?.up ?? all,
        down: parted
          ? holdsSql(parted.down.text)
            ? parted.down
            : { none: "its down part has no SQL" }
          : back(folder, down, "it has no file for the way back", notes),
        standing: version,
        doubts: [],
      },
    ];
  });
  migrations.push(...programs);
  migrations.sort((a, b) => order(a.version, b.version));
  refusals.push(...twice(migrations, "a plan"));
  return {
    tool: "numbered",
    migrations,
    notes,
    refusals,
    // Only capitals, as SQL itself has no colon before such a name.
    placeholders: {
      pattern: /(?<=[\s(,=.]):([A-Z][A-Z0-9_]+)\b/g,
      by: "the tool that runs these files replaces",
    },
  };
}

function order(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.match(/\d+/g));
  for (let at = 0; at < Math.max(left?.length ?? 0, right?.length ?? 0); at++) {
    const compared = byNumber(left?.[at] ?? "0", right?.[at] ?? "0");
    if (compared !== 0) return compared;
  }
  return byCodeUnit(a, b);
}

/** `001_a.up.sql`, `001_a_down.sql`, `001_a/up.sql`, `up/001_a.sql`, `001_a.sql`. */
function foundIn(path: string): Found | undefined {
  if (!/\.sql$/i.test(path)) return undefined;
  const segments = path.split("/");
  const file = segments.pop() ?? "";
  const parent = segments.pop();
  const wayOf = (word: string): Way | undefined => {
    const match = WAY.exec(word);
    return match ? (match[1] === undefined ? "down" : "up") : undefined;
  };
  const alone = wayOf(file.replace(/\.sql$/i, ""));
  if (alone && parent !== undefined) return named(parent, alone);
  const byParent = parent === undefined ? undefined : wayOf(parent);
  const match = IN_NAME.exec(file);
  const bare = match ? file.slice(0, match.index) : file.replace(/\.sql$/i, "");
  if (match && VERSION.test(bare)) return named(bare, match[1] === undefined ? "down" : "up");
  return named(file.replace(/\.sql$/i, ""), byParent ?? "up");
}

function named(text: string, way: Way): Found | undefined {
  const [all = "", version] = VERSION.exec(text) ?? [];
  return version === undefined ? undefined : { version, name: wordsOf(text.slice(all.length)), way };
}
