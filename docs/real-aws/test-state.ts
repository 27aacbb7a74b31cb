import { parseArgs } from "node:util";
import { SFNClient } from "@aws-sdk/client-sfn";
import { compilePlan } from "../../lib/plan/compile.ts";
import { definitionOf } from "../../local/definition.ts";
import { templateOf } from "../../local/synthesize.ts";
import { ask } from "./ask.ts";
import { casesOf } from "./cases.ts";

// `npm run real-aws:states -- [--every] [--plan DIR]`: tests the definitions' states by Step Functions' TestState.
// It calls nothing else and makes nothing: every task is mocked. It needs credentials and a Region, as the AWS CLI does,
// and one permission: states:TestState on *.

const USAGE = "npm run real-aws:states -- [--every] [--plan DIR]";
const [DIFFERS, NOT_ASKED] = [1, 2];

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(every: boolean, plan: string): Promise<number> {
  const template = await templateOf(await compilePlan(plan), { rehearse: "before" });
  // TestState is limited to a few calls a second.
  const client = new SFNClient({ maxAttempts: 10, retryMode: "adaptive" });
  let [asked, differ] = [0, 0];
  for (const machine of ["run", "clean-up"] as const) {
    const definition = definitionOf(template, machine);
    for (const one of casesOf(machine, definition, every)) {
      const found = await ask(client, definition, one).catch((error: Error) => {
        throw new NotAsked(error);
      });
      asked += 1;
      if (found.length > 0) differ += 1;
      say(`${found.length === 0 ? "ok     " : "DIFFERS"} ${machine}: "${one.state}": ${one.title}`);
      for (const line of found) say(`        ${line}`);
    }
  }
  say(`${asked} asked, ${differ} ${differ === 1 ? "differs" : "differ"}`);
  return differ === 0 ? 0 : DIFFERS;
}

class NotAsked extends Error {
  constructor({ name, message }: Error) {
    const mend =
      name === "AccessDeniedException"
        ? "Allow states:TestState on *."
        : "Give credentials and a Region as the AWS CLI takes them, such as AWS_PROFILE and AWS_REGION.";
    super(`Step Functions could not be asked: ${name}: ${message}\n${mend}`);
  }
}

try {
  const { values } = parseArgs({
    options: {
      every: { type: "boolean", default: false },
      plan: { type: "string", default: "sql/knowledge-graph" },
    },
  });
  process.exitCode = await main(values.every, values.plan);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\nUsage: ${USAGE}\n`);
  process.exitCode = NOT_ASKED;
}
