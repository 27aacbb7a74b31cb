import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Command } from "commander";
import { UsageError } from "../../local/events.ts";
import { print } from "../../local/terminal/streams.ts";
import type { Context } from "./context.ts";
import { REHEARSE_EXIT_CODES } from "./exit-codes.ts";

/** What action.yml calls: everything about GitHub is in its environment. */
export function pullRequestCommand(
  { streams, exit }: Context,
  main: (args: string[]) => Promise<number>,
): Command {
  return new Command("pull-request")
    .summary("rehearses a plan within a job of GitHub Actions, and shows it on the pull request")
    .description(
      "What the action of this repository runs: rehearses the plan, annotates its files, writes the job's summary, and keeps one comment on the pull request. It takes all it needs from the environment of the job.",
    )
    .addHelpText("after", REHEARSE_EXIT_CODES)
    .action(async () => {
      const [{ keepComment, lastText, pullRequestIn }, { findPlan }] = await Promise.all([
        import("../../local/pull-request.ts"),
        import("../../local/find-plan.ts"),
      ]);
      const { env } = process;
      const plan = env.SLUICE_ACTION_PLAN || relative(".", await findPlan(".")) || ".";
      const request = env.SLUICE_ACTION_COMMENT === "true" ? await pullRequestIn(env) : undefined;
      const folder = await mkdtemp(join(tmpdir(), "sluice-pull-request-"));
      try {
        const [text, before] = [join(folder, "now.md"), join(folder, "before.md")];
        // The rehearsal is what the job is for: it needs nothing of GitHub.
        const last = request ? await lastText(request, plan).catch(notRead(streams)) : "";
        await writeFile(before, last);
        const url = env.SLUICE_ACTION_DATABASE_URL;
        const database = url ? ["--database-url", url] : [];
        const flags = ["--yes", "--markdown", text, "--since", before, "--annotations", "github"];
        const code = await main(["rehearse", "--plan", plan, ...flags, ...database]);
        const { figuresIn, markdownWithoutResult } = await import("../../local/markdown.ts");
        // A comment that showed an earlier push's end would be taken for this one's.
        const markdown = (await readFile(text, "utf8").catch(() => "")) || markdownWithoutResult(plan);
        if (env.GITHUB_STEP_SUMMARY) await appendFile(env.GITHUB_STEP_SUMMARY, markdown);
        if (env.GITHUB_OUTPUT) await appendFile(env.GITHUB_OUTPUT, `end=${figuresIn(markdown)?.end ?? ""}\n`);
        if (request) print(streams.stdout, [await keepComment(request, plan, markdown)]);
        exit(code);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
}

function notRead({ stderr }: Context["streams"]) {
  return (error: unknown): string => {
    if (!(error instanceof UsageError)) throw error;
    print(stderr, [
      `The earlier comment cannot be read: ${error.message}. What changed since the last push is not shown.`,
    ]);
    return "";
  };
}
