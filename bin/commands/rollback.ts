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
    .summary("write the rollbacks of migrations, and try them")
    .description(
      "Runs a plan's migrations on a copy, reads what each changes in the catalog, and writes the rollback.sql that undoes it. It tries each file: after the whole migration, a second time, and from where the migration may break off. It cannot know what rows held, and names what it could not bring back. The rehearsal proves the file like any other.",
    )
    .argument("<dir>", "folder of the plan")
    .argument(
      "[migration]",
      "version or folder of one migration (default: all whose rollback.sql is missing or generated)",
    )
    .option("--force", "also replace files that a person wrote or changed")
    .addOption(
      databaseOption(
        "a PostgreSQL database instead of the plan's baseline; copies of it are migrated, it is only read",
      ),
    )
    .addOption(
      new Option("--copy <how>", "how that database is copied, as for `sluice rehearse`").choices(COPY_HOW),
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
          print(stderr, ["Stopping. The current work ends first, then the copies are dropped."]);
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
          print(stderr, ["Stopped. Rollbacks that were made before are written, the others are not."]);
          exit(INTERRUPTED);
        } finally {
          for (const signal of SIGNALS) signals.removeListener(signal, stop);
        }
      },
    );
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Differences shown on the terminal; the file has all of them. */
const MOST_LINES = 10;

function madeText(made: MadeRollback, isWritten: boolean): string[] {
  const { path, statements, tried, wrong, unknown, tables, rows } = made;
  const more = wrong.length - MOST_LINES;
  return [
    isWritten
      ? `${path}: written, ${count(statements, "statement")}.`
      : `${path}: not written. The migration changes only rows, and their former contents are not known.`,
    ...(wrong.length === 0
      ? [
          `  It holds on this copy (${tables} tables, ${rows} rows): catalog and contents were back ${list(tried)}.`,
        ]
      : [
          "  It does NOT bring everything back:",
          ...wrong.slice(0, MOST_LINES).map((line) => `  - ${line}`),
          ...(more > 0 ? [`  - and ${more} more`] : []),
        ]),
    ...(unknown.length === 0
      ? []
      : [
          "  What it cannot bring back:",
          ...unknown.map((sentence) => `  - ${sentence}`),
          "  Where that matters: keep what you drop until a later migration (docs/plan-format.md), or say",
          "  `rollback: restore` for this migration in plan.yaml.",
        ]),
  ];
}
