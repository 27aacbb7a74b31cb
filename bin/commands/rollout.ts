import { Command, InvalidArgumentError, Option } from "commander";
import { COPY_HOW, type CopyHow, UsageError } from "../../local/events.ts";
import { databasesIn, embeddedDatabases, type RolloutDatabase } from "../../local/rollout/databases.ts";
import type { RolloutEnd, RolloutOptions } from "../../local/rollout/events.ts";
import { rolloutJson, summaryOfRollout } from "../../local/rollout/lines.ts";
import { DEFAULT_PLAN } from "./check.ts";
import type { Context } from "./context.ts";
import { INTERRUPTED, ROLLOUT_EXIT_CODES, rolloutExitCode } from "./exit-codes.ts";
import { openReport } from "./open-report.ts";
import { planFolder } from "./plan-folder.ts";
import { checkGateNames, userName } from "./rehearse-options.ts";

/** The flags of `sluice rollout` as commander hands them over. */
export interface RolloutFlags {
  plan: string;
  databases?: string;
  apply?: boolean;
  waves: (number | string)[];
  atATime: number;
  tolerated: number;
  name?: string;
  out?: string;
  yes?: boolean;
  noGo?: string[];
  fail?: [string, string][];
  limits?: boolean;
  rehearse: "before" | "inside";
  fence: "connect" | "none";
  copy?: CopyHow;
  json?: boolean;
  quiet?: boolean;
  open?: boolean;
}

export function rolloutCommand(context: Context): Command {
  return new Command("rollout")
    .summary("runs one plan on many databases, in waves")
    .description(
      "Runs a plan on many databases on this machine, without AWS: the state machine of the rollout that is deployed, with a whole run for each database, several at a time. A gate opens before each wave, and after it where its runs wait for its answer. Gates are answered at the terminal or on a page of this machine.",
    )
    .option("--plan <dir>", "folder of the plan", DEFAULT_PLAN)
    .option(
      "--databases <file>",
      "file with a database on each line, as a URL or service=name (default: ten embedded databases with the plan's baseline)",
    )
    .option("--apply", "migrates these databases themselves instead of copies; gates are answered by people")
    .option(
      "--waves <list>",
      "sizes of the waves, separated by commas: numbers, percents, and rest",
      wavesIn,
      [1, "10 %", "rest"],
    )
    .option("--at-a-time <n>", "runs under way at the same time", positive, 4)
    .option("--tolerated <n>", "runs of a wave that may fail before no further run of it starts", whole, 0)
    .option(
      "--name <name>",
      "name of the rollout; the name of an earlier rollout continues it with the databases that are not done",
    )
    .option("--out <dir>", "folder for all evidence (default: .sluice)")
    .option("--yes", "answers Go at every gate")
    .addOption(noGoOption())
    .option(
      "--fail <database:state>",
      "a drill: that state fails in the runs of that database; may be given several times",
      failing,
    )
    .option("--limits", "shows what the rollout comes to on AWS, and starts nothing")
    .addOption(
      new Option("--copy <how>", "how a database is copied, as for sluice rehearse").choices(COPY_HOW),
    )
    .addOption(
      new Option("--rehearse <when>", "before the application is stopped, or inside the downtime")
        .choices(["before", "inside"])
        .default("before"),
    )
    .addOption(
      new Option("--fence <how>", "keeps the application's roles out while it migrates, or does not")
        .choices(["connect", "none"])
        .default("connect"),
    )
    .option("--json", "prints the result as JSON alone on standard output")
    .option("--quiet", "shows only gates and the end")
    .option("--open", "opens the rollout's page at the end")
    .addHelpText(
      "after",
      `
Ctrl-C starts no further run and asks those under way to go back by their own ways; a second Ctrl-C leaves at once.
Start the rollout again with the same --name and --out: databases that are done are left alone.

Examples:
  sluice rollout --yes                                       ten embedded databases in three waves
  sluice rollout --limits --databases tenants.txt            what it comes to on AWS
  sluice rollout --plan my-plan --databases tenants.txt      copies of these databases are migrated
  sluice rollout --plan my-plan --databases tenants.txt --apply --name october
  sluice rollout --yes --no-go keep-2                        shows how the second wave is rolled back
${ROLLOUT_EXIT_CODES}`,
    )
    .action(async (flags: RolloutFlags) => context.exit(await rollout(flags, context)));
}

async function rollout(flags: RolloutFlags, context: Context): Promise<number> {
  const { streams } = context;
  const { json = false, quiet = false, yes = false, noGo = [], open = false } = flags;
  const user = userName();
  refuseTogether(flags);
  const databases = flags.databases === undefined ? embeddedDatabases() : await databasesIn(flags.databases);
  const options = optionsOf(flags, databases, user);
  const { plan } = await planFolder(flags.plan);
  if (flags.limits) return await showLimits(options, plan.migrations.length, context);
  const terminal = await import("../../local/terminal/terminal.ts");
  checkGateNames(
    noGo.filter((name) => !/^(start|keep)-[1-9]\d*$/.test(name)),
    [...terminal.gateNames(plan), "start-<wave>", "keep-<wave>"],
  );
  const presentation = terminal.openRollout({ streams, answers: { yes, noGo, user }, quiet: json || quiet });
  const { rollOut } = await import("../../local/rollout/rollout.ts");
  const outcome = await terminal.present(await rollOut(options), presentation);
  if ("left" in outcome) {
    terminal.print(streams.stderr, leftText(outcome.left.run, options));
    return INTERRUPTED;
  }
  return await showEnd(outcome.end, { json, open }, context);
}

async function showEnd(
  end: RolloutEnd,
  { json, open }: { json: boolean; open: boolean },
  context: Context,
): Promise<number> {
  const { print } = await import("../../local/terminal/streams.ts");
  const { stdout } = context.streams;
  if (json) stdout.write(`${JSON.stringify(rolloutJson(end), null, 2)}\n`);
  else print(stdout, summaryOfRollout(end));
  if (open && end.page !== undefined) await openReport(end.page, context);
  return rolloutExitCode(end);
}

async function showLimits(options: RolloutOptions, migrations: number, context: Context): Promise<number> {
  const { print } = await import("../../local/terminal/streams.ts");
  const [{ rolloutLimits }, { sizesOf }] = await Promise.all([
    import("../../lambdas/rollout/limits.ts"),
    import("../../lambdas/rollout/input.ts"),
  ]);
  const { databases, waves, atATime } = options;
  const { lines, problems, notes } = rolloutLimits({
    databases: databases.length,
    instances: databases.length,
    waves: sizesOf(waves, databases.length),
    atATime,
    migrations,
  });
  print(context.streams.stdout, [
    ...lines,
    ...notes.map((note) => `Note: ${note}`),
    ...problems.map((problem) => `Too much: ${problem}`),
  ]);
  return 0;
}

/** What is left where, when a rollout was left at once. */
function leftText(name: string, { databases, apply, out = ".sluice" }: RolloutOptions): string[] {
  const embedded = databases.every(({ url }) => url === undefined);
  return [
    "",
    `Left rollout ${name} at once: its runs have not cleaned up.`,
    ...(embedded
      ? ["  The embedded databases went with this process."]
      : ["  On the servers, databases named sluice-... are copies and snapshots of these runs."]),
    ...(apply
      ? [
          '  A database whose run was under way may be fenced or half migrated. Before anything uses it, follow "A local run was left at once" in docs/operator-runbook.md.',
        ]
      : []),
    `  Evidence so far: ${out}/runs/${name}`,
  ];
}

function optionsOf(
  { plan, apply = false, waves, atATime, tolerated, name, out, rehearse, fence, copy, fail }: RolloutFlags,
  databases: readonly RolloutDatabase[],
  startedBy: string,
): RolloutOptions {
  const unknown = fail?.find(([database]) => databases.every(({ label }) => label !== database));
  if (unknown)
    throw new UsageError(
      `--fail ${unknown.join(":")}: the rollout has no database ${unknown[0]}. It has ${databases.map(({ label }) => label).join(", ")}.`,
    );
  return {
    plan,
    databases,
    apply,
    waves,
    atATime,
    tolerated,
    rehearse,
    fence,
    startedBy,
    ...(name === undefined ? {} : { name }),
    ...(out === undefined ? {} : { out }),
    ...(copy === undefined ? {} : { copy }),
    ...(fail === undefined ? {} : { fail: statesByDatabase(fail) }),
  };
}

function statesByDatabase(fail: readonly [string, string][]): Map<string, string[]> {
  const states = new Map<string, string[]>();
  for (const [database, state] of fail) states.set(database, [...(states.get(database) ?? []), state]);
  return states;
}

/** @throws UsageError for flags that do not go together */
function refuseTogether({ databases, apply, yes, noGo, fail, copy }: RolloutFlags): void {
  if (apply && databases === undefined)
    throw new UsageError("--apply needs --databases: without them there is nothing to apply to.");
  if (apply && (yes || noGo))
    throw new UsageError(
      `${yes ? "--yes" : "--no-go"} does not go with --apply: a Go for a real database is a person's.`,
    );
  if (apply && fail)
    throw new UsageError("--fail does not go with --apply: a drill must break nothing real.");
  if (copy !== undefined && databases === undefined)
    throw new UsageError("--copy needs --databases: embedded databases are copied in their own way.");
  if (copy === "physical" && apply)
    throw new UsageError(
      "--copy physical does not go with --apply: such a copy is another server, and the way back needs one on this.",
    );
}

function noGoOption(): Option {
  const option = new Option(
    "--no-go <gate>",
    "answers No-Go at that gate and Go at all others: start-<wave>, keep-<wave>, or a gate of the runs; may be given several times",
  ).argParser((gate: string, before: string[] | undefined) => [...(before ?? []), gate]);
  // Commander takes it for the opposite of a flag --go.
  option.negate = false;
  return option;
}

function wavesIn(text: string): (number | string)[] {
  return text.split(",").map((part) => {
    const wave = part.trim();
    if (/^[1-9]\d*$/.test(wave)) return Number(wave);
    const percent = /^(\d{1,3}(?:\.\d+)?)\s*%$/.exec(wave)?.[1];
    if (percent !== undefined) return `${percent} %`;
    if (wave === "rest") return wave;
    throw new InvalidArgumentError(`"${wave}" is no wave. Give a number, a percent such as 10%, or rest.`);
  });
}

function failing(text: string, before: [string, string][] | undefined): [string, string][] {
  // A label may have a colon before a port, and a state may have one behind its first word.
  const [, database, state] = /^(.+?):(?!\d+\/)\s*(.+)$/.exec(text) ?? [];
  if (database === undefined || state === undefined)
    throw new InvalidArgumentError(
      'Give a database and a state, such as "tenant-02:Apply 008 to production".',
    );
  return [...(before ?? []), [database, state]];
}

function positive(text: string): number {
  const value = whole(text);
  if (value === 0) throw new InvalidArgumentError("Give a number of at least 1.");
  return value;
}

function whole(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("Give a whole number.");
  return Number(text);
}
