import { Command } from "commander";
import { UsageError } from "../../local/events.ts";
import { print } from "../../local/terminal/streams.ts";
import type { Given } from "../init/answers.ts";
import type { Prompt } from "../init/prompt.ts";
import { QUESTIONS } from "../init/questions.ts";
import type { Context } from "./context.ts";
import { OTHER_EXIT_CODES } from "./exit-codes.ts";

type InitFlags = Record<string, unknown> & { yes?: true; replace?: true; lookUp: boolean; file: string };

export function initCommand({ streams, lookUp }: Context): Command {
  const init = new Command("init")
    .summary("write the settings of a deployment into cdk.json")
    .description(
      "Asks for the settings of a deployment, and writes them into cdk.json. Each answer is checked at once. The instance or cluster is looked up in your account if AWS can be reached, with AWS_PROFILE, AWS_REGION and the other usual settings. A flag answers its question. With --yes nothing is asked, and other questions take the default in brackets.",
    );
  for (const { flag, value, asks, otherwise, several } of QUESTIONS)
    init.option(
      `--${flag} <${value}>`,
      `${asks}${otherwise ? ` (default: ${otherwise})` : otherwise === undefined ? "" : " (optional)"}${several ? "; may be given several times" : ""}`,
      (answer: string, before: string[] | undefined) => [...(before ?? []), answer],
    );
  return init
    .option("--yes", "ask nothing")
    .option("--no-look-up", "do not look the instance or cluster up in AWS")
    .option("--replace", "replace the settings that are in the file")
    .option("--file <path>", "the file", "cdk.json")
    .addHelpText(
      "after",
      `
Examples:
  sluice init
  sluice init --yes --replace --instance orders --database orders --login arn:aws:secretsmanager:... \\
    --vpc vpc-0ab1 --subnets eu-central-1a=subnet-0ab1 --security-group sg-0ab1 \\
    --approvers dba@example.com --escalation head@example.com
${OTHER_EXIT_CODES}`,
    )
    .action(async (flags: InitFlags) => {
      // Loaded here, as help need not wait for the schema's libraries.
      const [{ settingsFrom }, { readCdk, replaced, writeSettings }, { openPrompt }] = await Promise.all([
        import("../init/answers.ts"),
        import("../init/cdk-file.ts"),
        import("../init/prompt.ts"),
      ]);
      const prompt = flags.yes || !streams.stdin.isTTY ? undefined : openPrompt(streams);
      let changes: string[];
      try {
        const cdk = await readCdk(flags.file);
        if (cdk.settings !== undefined && !flags.replace)
          await mayReplace(flags.file, Object.keys(cdk.settings), prompt);
        const settings = await settingsFrom(
          givenBy(flags),
          prompt,
          flags.lookUp ? lookUp : async () => ({ says: [] }),
          (lines) => print(streams.stdout, lines),
        );
        changes = replaced(cdk.settings, settings);
        await writeSettings(flags.file, cdk, settings);
      } finally {
        prompt?.close();
      }
      print(streams.stdout, [
        `${flags.file} now holds the settings. docs/deploying.md lists all others.`,
        ...(changes.length > 0 ? ["", "Replaced:", ...changes.map((line) => `  ${line}`)] : []),
        "",
        "Next:",
        "  npx cdk synth      check the settings and the plan; needs no account",
        "  npx cdk bootstrap  prepare each account and Region, once",
        "  npx cdk deploy     deploy; its last lines show how to start a run",
      ]);
    });
}

/** @throws UsageError unless a person agrees */
async function mayReplace(file: string, keys: readonly string[], prompt: Prompt | undefined): Promise<void> {
  const there = `${file} already holds settings (${keys.join(", ")})`;
  const answer = await prompt?.ask(`${there}. Replace them as a whole? yes or no [no]`);
  if (!/^y(es)?$/i.test(answer?.trim() ?? ""))
    throw new UsageError(`${there}. Nothing was written; --replace replaces them.`);
}

/** Commander names options in camel case. */
function givenBy(flags: Readonly<Record<string, unknown>>): Given {
  const name = (flag: string) => flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(QUESTIONS.map(({ flag }) => [flag, flags[name(flag)] as string[] | undefined]));
}
