import { join } from "node:path";
import { Command, Option } from "commander";
import { count, list } from "../../lambdas/shared/text.ts";
import { COPY_HOW, type CopyHow } from "../../local/events.ts";
import type { MadeRollback } from "../../local/rollback/make.ts";
import { print } from "../../local/terminal/streams.ts";
import type { Context } from "./context.ts";
import { DATABASE_HELP, databaseOption } from "./database-option.ts";
import { DOES_NOT_HOLD, INTERRUPTED, ROLLBACK_EXIT_CODES } from "./exit-codes.ts";
import { planFolder } from "./plan-folder.ts";
import { userName } from "./rehearse-options.ts";
import { replaceFile } from "./replace-file.ts";

interface RollbackFlags {
  force?: boolean;
  databaseUrl?: string;
  copy?: CopyHow;
}

export function rollbackCommand({ streams: { stdout, stderr, signals }, exit }: Context): Command {
  return new Command("rollback")
    .summary("writes the rollbacks of migrations, and tries them")
    .description(
      "Runs a plan's migrations on a copy, looks at what each does to the catalog, and writes the rollback.sql that undoes it. It tries each file: after the whole migration, a second time, and from where the migration may break off. It cannot know what rows held, and names what it could not bring back. The rehearsal proves the file like any other.",
    )
    .argument("<dir>", "folder of the plan")
    .argument(
      "[migration]",
      "version or folder of one migration (default: each whose rollback.sql is missing, or generated)",
    )
    .option("--force", "also replaces a file that a person wrote or changed")
    .addOption(
      databaseOption(
        "a PostgreSQL database instead of the plan's baseline: copies of it are migrated, it is only read",
      ),
    )
    .addOption(
      new Option("--copy <how>", "how that database is copied, as `sluice rehearse` does it").choices(
        COPY_HOW,
      ),
    )
    .addHelpText(
      "after",
      `${DATABASE_HELP}
Examples:
  sluice rollback my-plan              every rollback.sql that is missing or generated
  sluice rollback my-plan 012          one of them
  sluice rollback my-plan 012 --database-url postgresql://me@localhost/app
${ROLLBACK_EXIT_CODES}`,
    )
    .action(
      async (
        dir: string,
        migration: string | undefined,
        { force = false, databaseUrl, copy }: RollbackFlags,
      ) => {
        const loaded = await planFolder(dir, { rollbacks: "none" });
        const [{ makeRollbacks }, { Stopped }] = await Promise.all([
          import("../../local/rollback/rollback.ts"),
          import("../../local/rollback/copy.ts"),
        ]);
        let holds = true;
        let stopped = false;
        const stop = () => {
          stopped = true;
          print(stderr, ["Stopping, once what is under way has ended: then the copies are dropped."]);
        };
        for (const signal of SIGNALS) signals.once(signal, stop);
        const made = makeRollbacks(
          loaded,
          { plan: dir, migration, force, databaseUrl, copy, startedBy: userName() },
          async (made) => {
            const isWritten = made.statements > 0 || made.wrong.length === 0;
            if (isWritten) await replaceFile(join(dir, made.path), made.text, 0o644);
            print(stdout, madeText(made, isWritten));
            holds &&= made.wrong.length === 0;
          },
          (line) => print(stderr, [line]),
          () => stopped,
        );
        try {
          await made;
          if (!holds) exit(DOES_NOT_HOLD);
        } catch (error) {
          if (!(error instanceof Stopped)) throw error;
          print(stderr, ["Stopped. What was made before is written, the rest is not."]);
          exit(INTERRUPTED);
        } finally {
          for (const signal of SIGNALS) signals.removeListener(signal, stop);
        }
      },
    );
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Differences that are shown; the file has more of them. */
const MOST_LINES = 10;

function madeText(made: MadeRollback, isWritten: boolean): string[] {
  const { path, statements, tried, wrong, unknown, tables, rows } = made;
  const more = wrong.length - MOST_LINES;
  return [
    isWritten
      ? `${path}: written, ${count(statements, "statement")}.`
      : `${path}: not written. The migration changes rows only, and what they held is not known.`,
    ...(wrong.length === 0
      ? [
          `  It holds on this copy (${tables} tables, ${rows} rows): catalog and contents were what they were ${list(tried)}.`,
        ]
      : [
          "  It does NOT hold:",
          ...wrong.slice(0, MOST_LINES).map((line) => `  - ${line}`),
          ...(more > 0 ? [`  - and ${more} more`] : []),
        ]),
    ...(unknown.length === 0
      ? []
      : [
          "  What it cannot know:",
          ...unknown.map((sentence) => `  - ${sentence}`),
          "  Where that matters: keep what you drop until a later migration (docs/plan-format.md), or say",
          "  `rollback: restore` for this migration in plan.yaml.",
        ]),
  ];
}
