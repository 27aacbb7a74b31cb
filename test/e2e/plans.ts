import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TINY_PLAN } from "../support/rehearsal.ts";

/** A plan for the database of the tiny one, of these migrations. */
export interface PlanOfFolders {
  /** Where its folder is made. */
  parent: string;
  title: string;
  /** The version that it begins with. */
  from: string;
  folders: readonly string[];
  /** Whether a gate opens after each migration. */
  asks: boolean;
  /** How production is backed up; absent: as preflight chooses. */
  backup?: "snapshot";
}

/** Writes it, with the tiny plan's own migrations where they are named. @returns its folder */
export function writePlan({ parent, title, from, folders, asks, backup }: PlanOfFolders): string {
  const at = join(parent, title.toLowerCase().replaceAll(" ", "-"));
  mkdirSync(at);
  for (const folder of folders)
    if (folder in TINY) cpSync(join(TINY_PLAN, folder), join(at, folder), { recursive: true });
    else writeColumn(join(at, folder), folder);
  const migrations = folders.map(
    (folder) => `  - { folder: ${folder}, title: ${TINY[folder] ?? "One more column"}, expectedMinutes: 1 }`,
  );
  writeFileSync(
    join(at, "plan.yaml"),
    `title: ${title}
schema: { table: versions, expectedVersion: "${from}" }
server: { minimumVersion: 15, minimumConnections: 10, minimumFreeGiB: 0 }
applicationRoles: [notes_app]
rollbackSloMinutes: 5
${backup === undefined ? "" : `backup: ${backup}\n`}expectedMinutes: { admit: 1, prove: 1, open: 1 }
migrations:
${migrations.join("\n")}
gates:
  readiness: { question: "begin?" }
  rehearsal: { question: "touch production?" }
  after: ${asks ? '{ question: "continue after {version}?" }' : "none"}
  open: { question: "open?" }
  keep: { question: "keep?" }
  restore: { question: "restore?" }
`,
  );
  return at;
}

const TINY: Readonly<Record<string, string>> = {
  "002_notes": "Notes have authors",
  "003_labels": "Notes have labels",
};

function writeColumn(at: string, folder: string): void {
  mkdirSync(at);
  const column = `c${folder.slice(0, 3)}`;
  writeFileSync(join(at, "migrate.sql"), `ALTER TABLE note ADD COLUMN ${column} text;\n`);
  writeFileSync(join(at, "rollback.sql"), `ALTER TABLE note DROP COLUMN IF EXISTS ${column};\n`);
  writeFileSync(
    join(at, "validate.sql"),
    `-- sluice: check "the column is there"
SELECT count(*) = 1 AS passed, '1' AS expected, count(*)::text AS seen
  FROM pg_attribute WHERE attrelid = 'note'::regclass AND attname = '${column}';
`,
  );
}
