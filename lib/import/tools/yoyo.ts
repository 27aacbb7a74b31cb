import type { Finding, ImportedFolder, ImportedMigration, Part } from "../imported.ts";
import { atTop, byCodeUnit, type SourceFolder } from "../source.ts";
import { back, program, programOf, whole, wordsOf } from "./common.ts";

/** yoyo 9: dependencies come first, then the order of names. */
export function readYoyo(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const refusals: Finding[] = [];
  const found = new Map<string, { migration: ImportedMigration; depends: string[] }>();
  for (const path of atTop(folder).sort(byCodeUnit)) {
    if (/\.rollback\.sql$/.test(path) || /^__|^post-apply/.test(path)) {
      if (path.startsWith("post-apply"))
        notes.push({ file: path, says: "runs after each run of yoyo; the plan does not run it" });
      continue;
    }
    if (!/\.(sql|py)$/.test(path)) continue;
    const id = path.replace(/\.(sql|py)$/, "");
    const known = {
      version: id,
      aliases: [path, /^\d+/.exec(id)?.[0] ?? id],
      name: wordsOf(id.replace(/^\d+[._-]?(?=\D)/, "")),
      row: { migration_id: id },
      standing: id,
    };
    const means = programOf(path);
    if (means !== undefined) {
      found.set(id, { migration: program(path, means, known), depends: [] });
      continue;
    }
    const down = `${id}.rollback.sql`;
    const there = folder.paths.includes(down);
    const up = whole(folder, path, notes);
    found.set(id, {
      migration: {
        ...known,
        files: there ? [path, down] : [path],
        up: { ...up, runs: runsOf(up, notes) },
        down: withRuns(
          back(
            folder,
            there ? down : undefined,
            `there is no ${down}: \`yoyo rollback\` would silently delete its row and leave the objects`,
            notes,
          ),
          runsOf(up, []),
        ),
        doubts: [],
      },
      depends: (/^--\s*depends\s*:\s*(.*)$/m.exec(up.text)?.[1] ?? "")
        .split(/\s+/)
        .filter((one) => one !== ""),
    });
  }
  const migrations: ImportedMigration[] = [];
  const place = (id: string, on: readonly string[], line = "") => {
    const one = found.get(id);
    if (!one) {
      refusals.push({ file: line, says: `depends on ${id}, which does not exist` });
      return;
    }
    if (migrations.includes(one.migration)) return;
    if (on.includes(id)) {
      refusals.push({ file: line, says: `depends on itself through ${on.join(", ")}` });
      return;
    }
    for (const dependency of one.depends) place(dependency, [...on, id], one.migration.files[0]);
    if (!migrations.includes(one.migration)) migrations.push(one.migration);
  };
  for (const id of found.keys()) place(id, []);
  return { tool: "yoyo", migrations, notes, refusals };
}

function withRuns(down: ImportedMigration["down"], runs: Part["runs"]): ImportedMigration["down"] {
  return "none" in down ? down : { ...down, runs };
}

/** Only this exact spelling counts. */
function runsOf({ text, file }: Part, notes: Finding[]): Part["runs"] {
  if (/^--\s*transactional\s*:\s*false\s*$/m.test(text)) return "statements";
  if (/^--\s*transactional\b/im.test(text) && !/^--\s*transactional\s*:\s*true\s*$/im.test(text))
    notes.push({
      file,
      says: "does not have `-- transactional: false` in lower case: yoyo runs it in a transaction, and so does the plan",
    });
  return "transaction";
}
