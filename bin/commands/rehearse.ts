import { join } from "node:path";
import { Command, Option } from "commander";
import { noticeText } from "../../lambdas/shared/plan.ts";
import { COPY_HOW, type CopyHow, type RehearseOptions } from "../../local/events.ts";
import { addressIn, placeOf } from "../../local/server/address.ts";
import { DEFAULT_PLAN } from "./check.ts";
import type { Context } from "./context.ts";
import { DATABASE_HELP, databaseOption } from "./database-option.ts";
import { EXIT_CODES, INTERRUPTED, REHEARSE_EXIT_CODES } from "./exit-codes.ts";
import { annotationsOption, type ForReviewers, forReviewers } from "./for-reviewers.ts";
import { openReport } from "./open-report.ts";
import { planFolder } from "./plan-folder.ts";
import { checkGateNames, type RehearseFlags, rehearseOptions, userName } from "./rehearse-options.ts";

export function rehearseCommand(context: Context): Command {
  return new Command("rehearse")
    .summary("run a plan, from admission to the open application, or back")
    .description(
      "Runs a plan on this machine, without AWS: the same state machine and the same tasks that are deployed, on an embedded PostgreSQL or on your own server. Each gate opens at the terminal and on a page of this machine; the first answer counts.",
    )
    .option("--plan <dir>", "folder of the plan", DEFAULT_PLAN)
    .option("--yes", "answer Go at every gate")
    .addOption(noGoOption())
    .option("--open", "open the report at the end")
    .option(
      "--fail <state>",
      "a drill: this state fails each time that it is entered, and does nothing; may be given several times",
      (state: string, before: string[] | undefined) => [...(before ?? []), state],
    )
    .option("--json", "print only report.json on standard output; errors and gates go to standard error")
    .option("--verbose", "after a success, show the whole report instead of ten lines")
    .option("--quiet", "show only errors, gates, and the end in one line")
    .option(
      "--out <dir>",
      "keep the evidence, with report.json and report.html, in this folder (default: a new one below .sluice/runs)",
    )
    .addOption(
      databaseOption(
        "a PostgreSQL database instead of the embedded one; copies of it are migrated, it is only read",
      ),
    )
    .addOption(
      new Option(
        "--copy <how>",
        "how that database is copied: template (by its own server; no other session may use it for that moment; the default), physical (as a server of its own on this machine), or dump (by pg_dump and pg_restore)",
      ).choices(COPY_HOW),
    )
    .option("--apply", "migrate the database at --database-url itself; people answer the gates")
    .addOption(
      new Option("--rehearse <when>", "rehearse before the application is stopped, or inside the downtime")
        .choices(["before", "inside"])
        .default("before"),
    )
    .addOption(
      new Option("--fence <how>", "whether the application's roles are kept out while it migrates")
        .choices(["connect", "none"])
        .default("connect"),
    )
    .option("--markdown <file>", "write a summary of the run for reviewers into this file, as Markdown")
    .option(
      "--since <file>",
      "add what has changed since the summary of an earlier --markdown; a missing file, or one that is not such a summary, counts as none",
    )
    .addOption(annotationsOption())
    .addHelpText(
      "after",
      `
Ctrl-C stops the run: it goes back by its own way, as it also does when the terminal closes. A second Ctrl-C leaves at once.
${DATABASE_HELP}
Examples:
  sluice rehearse --yes                     a whole run, without questions
  sluice rehearse                           the same, with a question at every gate
  sluice rehearse --yes --open              open the report at the end
  sluice rehearse --no-go after-007         show how it is rolled back from there
  sluice rehearse --yes --fail "Apply 008 to production"
  sluice rehearse --yes --json > report.json
  sluice rehearse --plan my-plan --out evidence
  sluice rehearse --database-url postgresql://me@localhost/app
  sluice rehearse --yes --markdown rehearsal.md
${REHEARSE_EXIT_CODES}`,
    )
    .action(async (flags: RehearseFlags) => {
      const user = userName();
      const options = rehearseOptions(flags, user);
      const shown = await forReviewers(flags, context);
      try {
        context.exit(await rehearse(options, flags, user, context, shown));
      } catch (error) {
        await shown.refused(error);
        throw error;
      }
    });
}

const COPYING: Readonly<Record<CopyHow, string>> = {
  template: "a copy of the database, which takes as long as copying its files",
  physical:
    "a physical copy of its whole server on this machine, which takes as long as copying all its files over the network",
  dump: "a logical copy of the database by pg_dump and pg_restore, which takes longer than copying its files, and does not have the original's bloat, layout of files, statistics and ages of row versions",
};

/** What is made before the run can show anything, which takes up to half a minute. */
function makingText({ databaseUrl, apply, copy = "template" }: RehearseOptions): string {
  const machine = "the state machine that CDK deploys";
  if (databaseUrl === undefined)
    return `Making ${machine}, and then production: a PostgreSQL in memory, with the plan's baseline. This takes up to half a minute.`;
  const place = placeOf(addressIn(databaseUrl));
  return apply
    ? `Connecting to ${place}, which this run changes, and making ${machine}. This takes up to half a minute.`
    : `Connecting to ${place}, which is only read. Making ${machine}, and then ${COPYING[copy]}.`;
}

function noGoOption(): Option {
  const option = new Option(
    "--no-go <gate>",
    "answer No-Go at this gate and Go at all others: readiness, rehearsal, after-<version>, open, keep or restore; may be given several times",
  ).argParser((gate: string, before: string[] | undefined) => [...(before ?? []), gate]);
  // Commander would take it for the opposite of a flag --go.
  option.negate = false;
  return option;
}

async function rehearse(
  options: RehearseOptions,
  { yes = false, noGo = [], json = false, verbose = false, quiet = false, open = false }: RehearseFlags,
  user: string,
  context: Context,
  reviewers: ForReviewers,
): Promise<number> {
  const { streams, loadRehearse } = context;
  const loaded = await planFolder(options.plan);
  const { plan } = loaded;
  const terminal = await import("../../local/terminal/terminal.ts");
  checkGateNames(noGo, terminal.gateNames(plan));
  const much = json ? "json" : quiet ? "quiet" : verbose ? "verbose" : "normal";
  const answers = { yes, noGo, user };
  const shown = terminal.open({ streams, plan, shown: much, answers, apply: options.apply });
  // Printed before the first gate: people must know these before they say Go.
  terminal.print(
    json || quiet ? streams.stderr : streams.stdout,
    (plan.notices ?? []).map((notice) => `Read otherwise than written: ${noticeText(notice)}`),
  );
  if (!json && !quiet) terminal.print(streams.stdout, [makingText(options)]);
  const start = await loadRehearse();
  const outcome = await terminal.present(await start(options), shown);
  if ("left" in outcome) {
    terminal.print(streams.stderr, terminal.leftText(outcome.left, options));
    return INTERRUPTED;
  }
  terminal.printEnd(outcome.end, shown, much);
  await reviewers.ended(loaded, outcome.end.report);
  if (open) await openReport(join(outcome.end.evidence, "report.html"), context);
  return EXIT_CODES[outcome.end.end];
}
