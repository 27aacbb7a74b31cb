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
    .summary("writes the settings of a deployment into cdk.json")
    .description(
      "Asks for what a deployment needs to know, and writes it into cdk.json. Each answer is checked at once. The instance or cluster is looked up in your account, where AWS can be asked: AWS_PROFILE, AWS_REGION and the like count. What a flag answers is not asked; with --yes nothing is, and what no flag answers is as in brackets.",
    );
  for (const { flag, value, asks, otherwise, several } of QUESTIONS)
    init.option(
      `--${flag} <${value}>`,
      `${asks}${otherwise ? ` (default: ${otherwise})` : otherwise === undefined ? "" : " (optional)"}${several ? "; may be given several times" : ""}`,
      (answer: string, before: string[] | undefined) => [...(before ?? []), answer],
    );
  return init
    .option("--yes", "asks nothing")
    .option("--no-look-up", "does not ask AWS about the instance or cluster")
    .option("--replace", "replaces the settings that are in the file")
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
      // The schema comes with libraries that help need not wait for.
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
        `${flags.file} holds the settings now; docs/deploying.md lists all other settings.`,
        ...(changes.length > 0 ? ["", "Replaced:", ...changes.map((line) => `  ${line}`)] : []),
        "",
        "Next:",
        "  npx cdk synth      checks all of it; needs no account",
        "  npx cdk bootstrap  once for each account and Region",
        "  npx cdk deploy     says at its end how to start a run",
      ]);
    });
}

/** @throws UsageError where nobody says so */
async function mayReplace(file: string, keys: readonly string[], prompt: Prompt | undefined): Promise<void> {
  const there = `${file} holds settings already (${keys.join(", ")})`;
  const answer = await prompt?.ask(`${there}. Replace them as a whole? yes or no [no]`);
  if (!/^y(es)?$/i.test(answer?.trim() ?? ""))
    throw new UsageError(`${there}, and is as it was. --replace replaces them.`);
}

/** Commander names options in camel case. */
function givenBy(flags: Readonly<Record<string, unknown>>): Given {
  const name = (flag: string) => flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(QUESTIONS.map(({ flag }) => [flag, flags[name(flag)] as string[] | undefined]));
}
