import { Command, CommanderError } from "commander";
import { packageVersion } from "../../lib/package.ts";
import type { Rehearse } from "../../local/events.ts";
import { print, type Streams } from "../../local/terminal/streams.ts";
import { checkCommand } from "./check.ts";
import { completionCommand } from "./completion.ts";
import type { Context } from "./context.ts";
import { BUG, REHEARSE_EXIT_CODES, USAGE } from "./exit-codes.ts";
import { importCommand } from "./import.ts";
import { initCommand } from "./init.ts";
import { newCommand } from "./new.ts";
import { proveCommand } from "./prove.ts";
import { publishCommand } from "./publish.ts";
import { pullRequestCommand } from "./pull-request.ts";
import { rehearseCommand } from "./rehearse.ts";
import { reportCommand } from "./report.ts";
import { rollbackCommand } from "./rollback.ts";
import { rolloutCommand } from "./rollout.ts";
import { verifyCommand } from "./verify.ts";
import { watchCommand } from "./watch.ts";

/** Runs the command line; resolves to its exit code. */
export async function main(
  args: readonly string[],
  streams: Streams,
  loadRehearse: () => Promise<Rehearse> = async () => (await import("../../local/rehearse.ts")).rehearse,
  open: Context["open"] = async (path) => void (await (await import("open")).default(path)),
  lookUp: Context["lookUp"] = async (...asked) =>
    await (await import("../../local/look-up.ts")).lookUp(...asked),
): Promise<number> {
  let code = 0;
  const exit = (given: number) => {
    code = given;
  };
  try {
    await program({ streams, loadRehearse, open, lookUp, exit }).parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    // Commander has printed it already: its errors, and also help and version.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    // Loaded here, as help need not wait for the parser that comes with it.
    const { errorLines } = await import("./mistake.ts");
    const lines = errorLines(error);
    if (lines !== undefined) {
      print(streams.stderr, lines);
      return USAGE;
    }
    print(streams.stderr, [
      `This is a bug in Sluice: ${error instanceof Error ? error.stack : String(error)}`,
    ]);
    return BUG;
  }
}

const COMMANDS = [
  newCommand,
  rehearseCommand,
  rolloutCommand,
  checkCommand,
  rollbackCommand,
  importCommand,
  publishCommand,
  reportCommand,
  verifyCommand,
  proveCommand,
  watchCommand,
  initCommand,
  completionCommand,
];

export function program(context: Context): Command {
  const { stdout, stderr } = context.streams;
  const sluice = new Command("sluice")
    .description("Gated, rehearsed, reversible PostgreSQL migrations.")
    .version(packageVersion(), "-V, --version", "show the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help for a command")
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? 80,
      getErrHelpWidth: () => stderr.columns ?? 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showHelpAfterError("(--help shows help)")
    .exitOverride()
    .addHelpText(
      "after",
      `
Examples:
  sluice rehearse --yes               a whole run on embedded databases, with Go at every gate
  sluice rehearse                     the same, with a question at every gate
  sluice check sql/knowledge-graph    show what a plan holds, or its mistakes
  sluice new my-plan                  make a plan of your own
${REHEARSE_EXIT_CODES}`,
    );
  for (const make of COMMANDS) sluice.addCommand(make(context).copyInheritedSettings(sluice));
  // Hidden from help: it works only within GitHub Actions.
  const within = (args: string[]) =>
    main(args, context.streams, context.loadRehearse, context.open, context.lookUp);
  sluice.addCommand(pullRequestCommand(context, within).copyInheritedSettings(sluice), { hidden: true });
  return sluice;
}
