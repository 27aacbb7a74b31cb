import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { changedPlan } from "./rehearsal.ts";

/** A migration that is added at the end of the tiny plan. */
export interface Added {
  folder: string;
  migrate: string;
  /** Absent: the restore is its way back. */
  rollback?: string;
  leaves?: readonly string[];
}

export interface Wishes {
  /** Versions of the tiny plan whose way back is the restore. */
  restoreOnly?: readonly string[];
  added?: readonly Added[];
  /** Other changes, by file. */
  changes?: Readonly<Record<string, (text: string) => string>>;
}

const FOLDERS: Readonly<Record<string, string>> = { "002": "002_notes", "003": "003_labels" };

/** The tiny plan with migrations whose way back is the restore, or whose rollback leaves something. */
export async function waysBackPlan({ restoreOnly = [], added = [], changes = {} }: Wishes): Promise<string> {
  const { "plan.yaml": more = (text: string) => text, ...others } = changes;
  const withRestores = (text: string) =>
    restoreOnly.reduce(
      (plan, version) => plan.replace(`folder: ${FOLDERS[version]},`, "$& rollback: restore,"),
      text,
    );
  const withAdded = (text: string) => text.replace(/^gates:/m, `${added.map(entry).join("")}$&`);
  const folder = await changedPlan({
    ...others,
    "plan.yaml": (text) => `${more(withAdded(withRestores(text)))}\n`,
  });
  for (const version of restoreOnly) await rm(join(folder, FOLDERS[version] ?? "", "rollback.sql"));
  for (const { folder: name, migrate, rollback } of added) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "migrate.sql"), migrate);
    await writeFile(join(folder, name, "validate.sql"), CHECK);
    if (rollback !== undefined) await writeFile(join(folder, name, "rollback.sql"), rollback);
  }
  return folder;
}

const CHECK = `-- sluice: check "there are notes"
SELECT count(*) > 0 AS passed, 'some' AS expected, count(*)::text AS seen FROM note;
`;

function entry({ folder, rollback, leaves }: Added): string {
  const way = rollback === undefined ? ", rollback: restore" : "";
  const left = leaves === undefined ? "" : `, leaves: ${JSON.stringify(leaves)}`;
  return `  - { folder: ${folder}, title: ${folder}, expectedMinutes: 1${way}${left} }\n`;
}

/** Narrows a column and loses what does not fit: only the restore brings it back. */
export const NARROWS: Added = {
  folder: "004_short",
  migrate: `-- sluice: step "shorten the notes" rewrites
ALTER TABLE note ALTER COLUMN body TYPE varchar(5) USING left(body, 5);
`,
};

/** Adds a label to an enum, which cannot be removed again. */
export const ADDS_A_LABEL: Added = {
  folder: "004_archived",
  migrate: `-- sluice: step "a state more"
ALTER TYPE state ADD VALUE IF NOT EXISTS 'archived' AFTER 'open';

-- sluice: step "notes have it"
ALTER TABLE note ADD COLUMN state state NOT NULL DEFAULT 'open';
UPDATE note SET state = 'archived' WHERE id < 10;
`,
  rollback: `ALTER TABLE note DROP COLUMN IF EXISTS state;
`,
  leaves: ["enum public.state: label: archived"],
};

/** The baseline's part for that migration. */
export const WITH_ENUM = {
  "baseline/schema.sql": (sql: string) => `${sql}CREATE TYPE state AS ENUM ('open', 'closed');\n`,
};
