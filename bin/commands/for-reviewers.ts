import { readFile, writeFile } from "node:fs/promises";
import { Option } from "commander";
import type { Report } from "../../lambdas/report/schema.ts";
import type { LoadedPlan } from "../../lib/plan/compile.ts";
import { PlanError, PlanErrors } from "../../lib/plan/plan-error.ts";
import { UsageError } from "../../local/events.ts";
import { print } from "../../local/terminal/streams.ts";
import type { Context } from "./context.ts";

/** What reviewers of a pull request see, beside the printed output. */
export interface ForReviewers {
  ended(loaded: LoadedPlan, report: Report): Promise<void>;
  /** Shows mistakes of the plan. Other errors are not shown here. */
  refused(error: unknown): Promise<void>;
}

export function annotationsOption(): Option {
  return new Option(
    "--annotations <where>",
    "also print mistakes, failures and a linter's findings as workflow commands, which GitHub shows at their lines",
  ).choices(["github"]);
}

/** @throws UsageError for a file that cannot be written or read, before anything runs */
export async function forReviewers(
  {
    plan,
    markdown,
    since,
    annotations,
  }: { plan: string; markdown?: string; since?: string; annotations?: "github" },
  { streams }: Context,
): Promise<ForReviewers> {
  // Read before it is overwritten: both may be the same file.
  const before = since === undefined ? "" : await earlier(since);
  const write = async (text: string) => {
    if (markdown === undefined) return;
    await writeFile(markdown, text).catch((error: Error) => {
      throw new UsageError(`--markdown ${markdown} cannot be written: ${error.message}`);
    });
  };
  await write("");
  return {
    async ended(loaded, report) {
      if (markdown !== undefined) {
        const { figuresIn, markdownOf } = await import("../../local/markdown.ts");
        await write(markdownOf(report, figuresIn(before)));
      }
      if (annotations) {
        const { ofReport } = await import("../../local/annotations.ts");
        await annotate(streams, plan, [...ofReport(report), ...(await findingsIn(streams, plan, loaded))]);
      }
    },
    async refused(error) {
      const mistakes = mistakesIn(error);
      if (mistakes.length === 0) return;
      if (markdown !== undefined) {
        const { markdownOfMistakes } = await import("../../local/markdown.ts");
        await write(
          markdownOfMistakes(
            plan,
            mistakes.map(({ message }) => message),
          ),
        );
      }
      if (annotations) await annotateMistakes(streams, plan, mistakes);
    },
  };
}

export function mistakesIn(error: unknown): readonly PlanError[] {
  if (error instanceof PlanErrors) return error.mistakes;
  return error instanceof PlanError ? [error] : [];
}

export async function annotateMistakes(
  streams: Context["streams"],
  plan: string,
  mistakes: readonly PlanError[],
): Promise<void> {
  const { ofMistakes } = await import("../../local/annotations.ts");
  await annotate(streams, plan, ofMistakes(mistakes));
}

/** A linter's findings as annotations; none if it is not installed. A failure of the linter is only printed: the run is unaffected. */
export async function findingsIn({ stderr }: Context["streams"], plan: string, loaded: LoadedPlan) {
  const [{ ofFindings }, { squawkFindings }] = await Promise.all([
    import("../../local/annotations.ts"),
    import("../../local/squawk.ts"),
  ]);
  try {
    return ofFindings((await squawkFindings(plan, loaded.plan)) ?? []);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    print(stderr, [error.message]);
    return [];
  }
}

/** Prints annotations. With a report in JSON they go to standard error; GitHub reads both streams. */
export async function annotate(
  { stderr }: Context["streams"],
  plan: string,
  annotations: readonly import("../../local/annotations.ts").Annotation[],
): Promise<void> {
  const { githubCommands } = await import("../../local/annotations.ts");
  print(stderr, githubCommands(plan, annotations));
}

async function earlier(file: string): Promise<string> {
  return await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw new UsageError(`--since ${file} cannot be read: ${error.message}`);
  });
}
