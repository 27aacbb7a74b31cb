import { readFile, writeFile } from "node:fs/promises";
import { Command } from "commander";
import { UsageError } from "../../local/events.ts";
import { print } from "../../local/terminal/streams.ts";
import type { Given } from "../init/answers.ts";
import type { Prompt } from "../init/prompt.ts";
import { QUESTIONS } from "../init/questions.ts";
import type { Context } from "./context.ts";
import { OTHER_EXIT_CODES } from "./exit-codes.ts";

interface CdkJson {
  context?: Record<string, unknown>;
}

type InitFlags = Record<string, unknown> & { yes?: true; replace?: true; file: string };

const KEY = "sluice";

export function initCommand({ streams }: Context): Command {
  const init = new Command("init")
    .summary("writes the settings of a deployment into cdk.json")
    .description(
      "Asks for what a deployment needs to know, and writes it into cdk.json. Each answer is checked at once. What a flag answers is not asked; with --yes nothing is, and what no flag answers is as in brackets.",
    );
  for (const { flag, value, asks, otherwise, several } of QUESTIONS)
    init.option(
      `--${flag} <${value}>`,
      `${asks}${otherwise ? ` (default: ${otherwise})` : otherwise === undefined ? "" : " (optional)"}${several ? "; may be given several times" : ""}`,
      (answer: string, before: string[] | undefined) => [...(before ?? []), answer],
    );
  return init
    .option("--yes", "asks nothing")
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
      const [{ settingsFrom }, { openPrompt }] = await Promise.all([
        import("../init/answers.ts"),
        import("../init/prompt.ts"),
      ]);
      const prompt = flags.yes || !streams.stdin.isTTY ? undefined : openPrompt(streams);
      try {
        const cdk = await readCdk(flags.file);
        if (cdk.context?.[KEY] !== undefined && !flags.replace) await mayReplace(flags.file, prompt);
        const settings = await settingsFrom(givenBy(flags), prompt);
        const written = { ...cdk, context: { ...cdk.context, [KEY]: settings } };
        await writeFile(flags.file, `${JSON.stringify(written, null, 2)}\n`);
      } finally {
        prompt?.close();
      }
      print(streams.stdout, [
        `${flags.file} holds the settings now; docs/deploying.md tells what else can be set.`,
        "",
        "Next:",
        "  npx cdk synth      checks all of it; needs no account",
        "  npx cdk bootstrap  once for each account and Region",
        "  npx cdk deploy     says at its end how to start a run",
      ]);
    });
}

/** @throws UsageError where nobody says so */
async function mayReplace(file: string, prompt: Prompt | undefined): Promise<void> {
  const answer = await prompt?.ask(`${file} holds settings already. Replace them as a whole? yes or no [no]`);
  if (!/^y(es)?$/i.test(answer?.trim() ?? ""))
    throw new UsageError(`${file} holds settings already, and is as it was. --replace replaces them.`);
}

/** Commander names options in camel case. */
function givenBy(flags: Readonly<Record<string, unknown>>): Given {
  const name = (flag: string) => flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(QUESTIONS.map(({ flag }) => [flag, flags[name(flag)] as string[] | undefined]));
}

async function readCdk(file: string): Promise<CdkJson> {
  const text = await readFile(file, "utf8").catch(() => {
    throw new UsageError(`There is no ${file}: call this in the folder of the app, or give --file.`);
  });
  try {
    return JSON.parse(text) as CdkJson;
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${(error as Error).message}`);
  }
}
