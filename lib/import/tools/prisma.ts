import { createHash } from "node:crypto";
import type { Finding, ImportedFolder, ImportedMigration } from "../imported.ts";
import { byCodeUnit, type SourceFolder, textOf } from "../source.ts";
import { back, whole, wordsOf } from "./common.ts";

/** Prisma: a folder for each migration with migration.sql, in the order of their names. */
export function readPrisma(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const refusals: Finding[] = [];
  const migrations: ImportedMigration[] = [];
  if (folder.paths.includes("migration_lock.toml")) {
    const provider = /^\s*provider\s*=\s*"([^"]*)"/m.exec(textOf(folder, "migration_lock.toml").text)?.[1];
    if (provider !== undefined && !["postgresql", "postgres", "cockroachdb"].includes(provider))
      refusals.push({ file: "migration_lock.toml", says: `names the provider ${provider}, not PostgreSQL` });
  }
  for (const path of folder.paths) {
    const [, name] = /^([^/]+)\/migration\.sql$/.exec(path) ?? [];
    if (name === undefined) {
      if (/\.sql$/i.test(path) && !/^[^/]+\/(down|migration)\.sql$/.test(path))
        notes.push({
          file: path,
          says: "is not imported: Prisma ignores it, as it is not the migration.sql of a folder",
        });
      continue;
    }
    const down = `${name}/down.sql`;
    const there = folder.paths.includes(down);
    if (there)
      notes.push({
        file: down,
        says: "becomes the way back. Prisma itself never runs it; the rehearsal tries it",
      });
    migrations.push({
      version: name,
      aliases: [/^\d+/.exec(name)?.[0] ?? name, path],
      name: wordsOf(name.replace(/^\d+_?/, "")),
      files: there ? [path, down] : [path],
      up: whole(folder, path, notes),
      down: back(folder, there ? down : undefined, "Prisma has no way back", notes),
      row: {
        migration_name: name,
        checksum: createHash("sha256").update(folder.bytes(path)).digest("hex"),
      },
      standing: name,
      doubts: [],
    });
  }
  migrations.sort((a, b) => byCodeUnit(a.version, b.version));
  return { tool: "prisma", migrations, notes, refusals };
}
