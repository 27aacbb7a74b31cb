import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { plainJson } from "../../lambdas/shared/text.ts";
import { IS_BUILT, PACKAGE_FOLDER } from "../../lib/package.ts";
import type { LoadedPlan } from "../../lib/plan/compile.ts";
import type { PlanError } from "../../lib/plan/plan-error.ts";
import { print, printPainted } from "../../local/terminal/streams.ts";
import type { Context } from "./context.ts";
import { databasesHere } from "./databases-here.ts";
import { OTHER_EXIT_CODES, USAGE } from "./exit-codes.ts";
import { annotate, annotateMistakes, annotationsOption, findingsIn, mistakesIn } from "./for-reviewers.ts";
import { planFolder, problemsOf } from "./plan-folder.ts";
import { planText } from "./plan-text.ts";

const HERE = "sql/knowledge-graph";

/** The bundled plan: from this folder if it is here, otherwise from the package. */
export const DEFAULT_PLAN = IS_BUILT && !existsSync(HERE) ? join(PACKAGE_FOLDER, HERE) : HERE;

export function checkCommand({ streams, exit }: Context): Command {
  return new Command("check")
    .summary("show what a plan holds, or its mistakes")
    .description(
      "Reads a plan and shows its migrations, steps, checks and gates. If the plan has mistakes, it shows all of them instead: file, key or line, reason, and what to write. It needs no database.",
    )
    .argument("[dir]", "folder of the plan", DEFAULT_PLAN)
    .option("--json", "print the plan's contents, or its mistakes, as JSON")
    .addOption(annotationsOption())
    .addHelpText(
      "after",
      `
Examples:
  sluice check
  sluice check path/to/a/plan
  sluice check path/to/a/plan --json
${OTHER_EXIT_CODES}`,
    )
    .action(async (dir: string, { json = false, annotations }: CheckFlags) => {
      const { loaded, mistakes } = await checked(dir);
      if (annotations) {
        await annotateMistakes(streams, dir, mistakes);
        if (loaded) await annotate(streams, dir, await findingsIn(streams, dir, loaded));
      }
      if (json) {
        const found = loaded && mistakes.length === 0 ? loaded.plan : undefined;
        printPainted(streams.stdout, [
          plainJson({ plan: found ?? null, mistakes: mistakes.map(mistakeFields) }, 2),
        ]);
      } else if (loaded && mistakes.length === 0)
        print(streams.stdout, planText(loaded.plan, await databasesHere()));
      else
        print(
          streams.stderr,
          mistakes.map(({ message }) => `error: ${message}`),
        );
      if (mistakes.length > 0) exit(USAGE);
    });
}

interface CheckFlags {
  json?: boolean;
  annotations?: "github";
}

/** @throws UsageError if `dir` is no folder */
async function checked(dir: string): Promise<{ loaded?: LoadedPlan; mistakes: readonly PlanError[] }> {
  try {
    const loaded = await planFolder(dir);
    return { loaded, mistakes: await problemsOf(loaded) };
  } catch (error) {
    const mistakes = mistakesIn(error);
    if (mistakes.length === 0) throw error;
    return { mistakes };
  }
}

function mistakeFields({ file, where, reason }: PlanError): { file: string; where: string; reason: string } {
  return { file, where, reason };
}
