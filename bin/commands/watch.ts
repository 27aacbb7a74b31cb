import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import type { Reading } from "../../lambdas/shared/documents.ts";
import { plainJson } from "../../lambdas/shared/text.ts";
import { UsageError } from "../../local/events.ts";
import { addressIn } from "../../local/server/address.ts";
import { print, printPainted } from "../../local/terminal/streams.ts";
import { DEFAULT_PLAN } from "./check.ts";
import type { Context } from "./context.ts";
import { DATABASE_HELP, databaseOption } from "./database-option.ts";
import { ALERT, UNMEASURED, WATCH_EXIT_CODES } from "./exit-codes.ts";
import { planFolder } from "./plan-folder.ts";

interface WatchFlags {
  plan: string;
  databaseUrl: string;
  once?: boolean;
  every: string;
  json?: boolean;
}

export function watchCommand({ streams, exit }: Context): Command {
  return new Command("watch")
    .summary("read the plan's metrics from a database")
    .description(
      "Reads every metric of the plan from a database, and shows each beside its target and its alert threshold. It only reads, and none of its queries takes longer than five seconds. It reads nothing while another probe or a run has the database.",
    )
    .addOption(databaseOption("the PostgreSQL database to read from").makeOptionMandatory())
    .option("--plan <dir>", "folder of the plan", DEFAULT_PLAN)
    .option("--once", "take one reading and end (default: read until Ctrl-C)")
    .option("--every <minutes>", "time between two readings", "5")
    .option("--json", "print each reading as a line of JSON")
    .addHelpText(
      "after",
      `${DATABASE_HELP}
Examples:
  sluice watch --once --database-url postgresql://me@localhost/app
  sluice watch --plan my-plan --database-url postgresql://me@localhost/app
${WATCH_EXIT_CODES}`,
    )
    .action(async (flags: WatchFlags) => {
      const minutes = minutesOf(flags.every);
      let last: Reading | undefined;
      do {
        if (last) await sleep(minutes * 60_000);
        const reading = await readAndPrint(flags, last, streams.stdout, streams.stderr, exit);
        last = reading ?? last;
      } while (!flags.once);
    });
}

async function readAndPrint(
  { plan: dir, databaseUrl, json = false }: WatchFlags,
  last: Reading | undefined,
  stdout: Context["streams"]["stdout"],
  stderr: Context["streams"]["stderr"],
  exit: Context["exit"],
): Promise<Reading | undefined> {
  // Reports a mistake in the URL before the plan is read.
  addressIn(databaseUrl);
  const { plan } = await planFolder(dir);
  if (!plan.watch) throw new UsageError(`The plan ${plan.name} has no metrics: plan.yaml has no "watch".`);
  const [{ readOnce }, text] = await Promise.all([
    import("../../local/watch.ts"),
    import("../../lambdas/watch/thresholds.ts"),
  ]);
  const read = await readOnce(plan, databaseUrl, last);
  if ("because" in read) {
    print(stderr, [`Nothing was read: ${read.because}.`]);
    exit(UNMEASURED);
    return undefined;
  }
  const { values, connections, at, seconds } = read.value;
  if (json) printPainted(stdout, [plainJson({ at, seconds, values, connections })]);
  else print(stdout, [`${at}, read in ${seconds.toFixed(1)} s`, "", ...text.readingTable(values), ""]);
  const alerts = values.filter(({ standing }) => standing === "alert");
  if (!json && alerts.length > 0) print(stdout, text.readingLines(alerts));
  exit(alerts.length > 0 ? ALERT : values.some(({ broken }) => broken) ? UNMEASURED : 0);
  return read.value;
}

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0 && minutes <= 24 * 60)) throw new UsageError(`--every ${text}: give minutes, such as 5.`);
  return minutes;
}
