import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { IS_BUILT, PACKAGE_FOLDER } from "../../lib/package.ts";
import type { LoadedPlan } from "../../lib/plan/compile.ts";
import { print } from "../../local/terminal/streams.ts";
import type { Context } from "./context.ts";
import { databasesHere } from "./databases-here.ts";
import { OTHER_EXIT_CODES, USAGE } from "./exit-codes.ts";
import { planFolder, problemsOf } from "./plan-folder.ts";
import { planText } from "./plan-text.ts";

const HERE = "sql/knowledge-graph";

/** The bundled plan: the one of this folder, and elsewhere the package's. */
export const DEFAULT_PLAN = IS_BUILT && !existsSync(HERE) ? join(PACKAGE_FOLDER, HERE) : HERE;

export function checkCommand({ streams, exit }: Context): Command {
  return new Command("check")
    .summary("says what a plan holds, and what is wrong with it")
    .description(
      "Reads a plan and says what it holds: migrations, steps, checks and gates. Of a plan with mistakes it shows all of them: file, key or line, reason, and what to write instead. No database is needed.",
    )
    .argument("[dir]", "folder of the plan", DEFAULT_PLAN)
    .addHelpText(
      "after",
      `
Examples:
  sluice check
  sluice check path/to/a/plan
${OTHER_EXIT_CODES}`,
    )
    .action(async (dir: string) => {
      const loaded: LoadedPlan = await planFolder(dir);
      const problems = await problemsOf(loaded);
      if (problems.length === 0) return print(streams.stdout, planText(loaded.plan, await databasesHere()));
      print(
        streams.stderr,
        problems.map(({ message }) => `error: ${message}`),
      );
      exit(USAGE);
    });
}
