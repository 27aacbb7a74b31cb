import { Command, Option } from "commander";
import { count, plainJson } from "../../lambdas/shared/text.ts";
import type { Draft } from "../../lib/import/draft.ts";
import type { Asked, Recognized } from "../../lib/import/import.ts";
import { type Finding, TOOLS, type Tool } from "../../lib/import/imported.ts";
import { UsageError } from "../../local/events.ts";
import { print, printPainted } from "../../local/terminal/streams.ts";
import type { Context } from "./context.ts";
import { DATABASE_HELP, databaseOption } from "./database-option.ts";
import { OTHER_EXIT_CODES, USAGE } from "./exit-codes.ts";
import { needFolder } from "./plan-folder.ts";

interface ImportFlags {
  tool?: Tool;
  after?: string;
  databaseUrl?: string;
  table?: string;
  plan?: string;
  check?: true;
  json?: true;
  call?: true;
  take?: string[];
  skip?: string[];
  until?: string;
  value?: string[];
}

const several = (one: string, before: string[] | undefined) => [...(before ?? []), one];

export function importCommand({ streams, exit }: Context): Command {
  return new Command("import")
    .summary("make a plan from another tool's migrations")
    .description(
      "Reads another tool's folder of migrations, and makes a plan of the pending ones. It shows where that tool treats a file differently than the file seems to say. It writes nothing while something is in doubt. When it is called again, it adds new migrations, and keeps files that were changed by hand.",
    )
    .argument("<dir>", "folder of the migrations, as that tool is given it")
    .addOption(
      new Option("--tool <name>", "the tool that the folder belongs to (default: recognized)").choices(TOOLS),
    )
    .option(
      "--after <version>",
      "the newest applied version; later ones are pending, and no database is read; none: all are pending",
    )
    .option("--until <version>", "the last version of this plan; later ones are left for another plan")
    .addOption(databaseOption("the database with that tool's table of applied migrations; it is only read"))
    .option("--table <name>", "the tool's table in that database, if it has another name than the default")
    .option("--plan <dir>", "folder of the plan (default: sql/ and the tool's name)")
    .option("--check", "show what would be done, and write nothing")
    .option("--json", "print what was found and done as JSON")
    .option("--call", "have alembic or Django's manage.py print the SQL; this runs the project's own code")
    .option(
      "--take <file>",
      "treat a file that is in doubt as that tool does; may be given several times",
      several,
    )
    .option("--skip <file>", "leave a file out; may be given several times", several)
    .option(
      "--value <name=value>",
      "the value that the tool uses for a placeholder; may be given several times",
      several,
    )
    .addHelpText(
      "after",
      `${DATABASE_HELP}
Examples:
  sluice import db/migrations --after 041
  sluice import db/migrations --database-url postgresql://me@localhost/app
  sluice import src/main/resources/db/migration --check
  sluice import migrations --tool sqlx --plan sql/next
  sluice rehearse --plan sql/dbmate --yes
${OTHER_EXIT_CODES}`,
    )
    .action(async (dir: string, flags: ImportFlags) => {
      await needFolder(dir, "give the folder of the migrations");
      const [{ draftFrom, recognize }, { changesTo }] = await Promise.all([
        import("../../lib/import/import.ts"),
        import("../../lib/import/plan-files.ts"),
      ]);
      const recognized = await withPrinted(recognize(dir, flags.tool), flags.call);
      const { tool, source } = recognized;
      const { take = [], skip = [], value = [] } = flags;
      const decisions = { take, skip, values: valuesOf(value) };
      const draft = await asking(flags, (asked) => draftFrom(recognized, asked, decisions, flags.until));
      const plan = flags.plan ?? `sql/${tool}`;
      const isOpen = draft.unknown.length > 0 || draft.doubts.length > 0;
      const changes =
        isOpen || draft.migrations.length === 0 ? undefined : changesTo(plan, draft, { tool, source });
      const written = changes !== undefined && !flags.check;
      if (written) changes.write();
      const left = written ? await leftToMend(plan) : [];
      const outcome: Outcome = { ...recognized, draft, plan, written, changes: changes?.lines ?? [], left };
      if (flags.json) printPainted(streams.stdout, [plainJson(asJson(outcome), 2)]);
      else {
        print(streams.stdout, asText(dir, flags, outcome));
        print(streams.stderr, errorsText(outcome));
      }
      return isOpen ? exit(USAGE) : undefined;
    });
}

/** What an import found, and what it did. */
interface Outcome extends Recognized {
  draft: Draft;
  /** The plan's folder. */
  plan: string;
  written: boolean;
  /** What it did there; with --check, what it would do. */
  changes: readonly string[];
  /** What the plan still needs before it can be deployed. */
  left: readonly string[];
}

function asJson({ tool, because, draft, plan, written, changes, left }: Outcome): object {
  const { baseline: _, migrations, ...found } = draft;
  const pending = migrations.map(({ files: _, ...migration }) => migration);
  return { tool, because, pending, ...found, plan, written, changes, left };
}

function asText(dir: string, flags: ImportFlags, outcome: Outcome): string[] {
  const { tool, because, draft, plan, written, changes, left } = outcome;
  const { appliedVersions: applied, migrations } = draft;
  const known = (flags.after ?? flags.databaseUrl) !== undefined;
  const found = [
    `${dir} belongs to ${tool}: ${because.join("; ")}.`,
    `Applied: ${applied.length === 0 ? "none" : `${applied.length}, up to ${applied.at(-1)}`}${known ? "" : ", as neither --after nor --database-url was given"}. Pending: ${migrations.length}.`,
    ...notesText(draft.notes),
    ...draft.skipped.map((file) => `- ${file} is left out (--skip)`),
  ];
  if (draft.unknown.length > 0 || draft.doubts.length > 0) return found;
  if (migrations.length === 0) return [...found, "Nothing is pending, so no plan is made."];
  const done = [...found, "", `${plan}:`, ...changes.map((line) => `- ${line}`), ""];
  if (!written) return [...done, "Nothing was written (--check)."];
  return [
    ...done,
    ...(left.length === 0
      ? []
      : [`Before this plan can be deployed, fix in ${plan}:`, ...left.map((one) => `- ${one}`), ""]),
    "Next:",
    `  sluice check ${plan}`,
    `  npx sluice rehearse --plan ${plan} --yes${flags.databaseUrl === undefined ? "" : " --database-url ..."}`,
  ];
}

function errorsText({ tool, draft: { unknown, doubts } }: Outcome): string[] {
  const errors = [...unknown, ...doubts.map((finding) => `${place(finding)} ${finding.says}`)];
  return [
    ...errors.map((one) => `error: ${one}`),
    ...(doubts.length > 0
      ? [
          "",
          `Nothing was written. Fix ${doubts.length === 1 ? "it" : "these"}, or decide for each file: --take FILE treats it as ${tool} does, --skip FILE leaves it out.`,
        ]
      : []),
  ];
}

/** @throws UsageError for a tool that cannot print SQL */
async function withPrinted(recognized: Recognized, call: true | undefined): Promise<Recognized> {
  const { tool, source } = recognized;
  if (!call) return recognized;
  if (tool !== "alembic" && tool !== "django")
    throw new UsageError(
      `--call works with alembic and django only: the files of ${tool} are SQL, or it cannot print SQL.`,
    );
  const { called } = await import("../../lib/import/call.ts");
  return { ...recognized, source: await called(source, tool) };
}

/** Calls `draft` with the source of the applied versions. @throws UsageError for --table without a database */
async function asking(
  { after, databaseUrl, table }: ImportFlags,
  draft: (asked: Asked) => Promise<Draft>,
): Promise<Draft> {
  if (table !== undefined && databaseUrl === undefined)
    throw new UsageError("--table needs --database-url: without one there is no table to read.");
  if (after !== undefined && after !== "none") return await draft({ kind: "after", version: after });
  if (databaseUrl === undefined || after === "none") return await draft({ kind: "none" });
  const [{ addressIn }, { withGuestAt }, { GUARDS }] = await Promise.all([
    import("../../local/server/address.ts"),
    import("../../local/server/session.ts"),
    import("../../lambdas/watch/take-reading.ts"),
  ]);
  return await withGuestAt(addressIn(databaseUrl), { application_name: "sluice import" }, GUARDS, (session) =>
    draft({ kind: "database", session, table }),
  );
}

/** What `sluice check` finds in the plan. */
async function leftToMend(plan: string): Promise<string[]> {
  const [{ loadPlan, whyNotDeployed }, { PlanErrors }] = await Promise.all([
    import("../../lib/plan/compile.ts"),
    import("../../lib/plan/plan-error.ts"),
  ]);
  const problems = await loadPlan(plan).then(whyNotDeployed, (error: unknown) => {
    if (error instanceof PlanErrors) return error.mistakes;
    throw error;
  });
  return problems.map(({ message }) => message);
}

/** Groups notes by file. A note that many files share is shown once. */
function notesText(notes: readonly Finding[]): string[] {
  const bySaying = new Map<string, Finding[]>();
  for (const note of notes) bySaying.set(note.says, [...(bySaying.get(note.says) ?? []), note]);
  return [...bySaying].map(([says, all]) => {
    const [first, ...more] = all;
    if (!first) return "";
    const files = new Set(more.map(({ file }) => file));
    files.delete(first.file);
    return `- ${place(first)} ${says}${files.size === 0 ? "" : ` (so ${files.size === 1 ? "does" : "do"} ${listed([...files])})`}`;
  });
}

function listed(files: readonly string[]): string {
  return files.length <= 3
    ? files.join(", ")
    : `${files.slice(0, 2).join(", ")} and ${count(files.length - 2, "more file")}`;
}

function place({ file, line }: Finding): string {
  return line === undefined ? file : `${file}:${line}`;
}

function valuesOf(given: readonly string[]): Map<string, string> {
  return new Map(
    given.map((one) => {
      const at = one.indexOf("=");
      if (at < 1) throw new UsageError(`--value ${one}: write NAME=VALUE.`);
      return [one.slice(0, at), one.slice(at + 1)];
    }),
  );
}
