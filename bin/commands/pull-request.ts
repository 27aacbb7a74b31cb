import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Command } from "commander";
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
      "Rehearses the plan within a job of GitHub Actions, annotates its files, writes the job's summary, and keeps one comment on the pull request. The action of this repository runs it. It reads all that it needs from the job's environment.",
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
        await writeFile(before, request ? await lastText(request, plan) : "");
        const url = env.SLUICE_ACTION_DATABASE_URL;
        const database = url ? ["--database-url", url] : [];
        const flags = ["--yes", "--markdown", text, "--since", before, "--annotations", "github"];
        const code = await main(["rehearse", "--plan", plan, ...flags, ...database]);
        const markdown = await readFile(text, "utf8").catch(() => "");
        if (markdown !== "") {
          if (env.GITHUB_STEP_SUMMARY) await appendFile(env.GITHUB_STEP_SUMMARY, markdown);
          if (env.GITHUB_OUTPUT) await appendFile(env.GITHUB_OUTPUT, `end=${await endIn(markdown)}\n`);
          if (request) print(streams.stdout, [await keepComment(request, plan, markdown)]);
        }
        exit(code);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
}

async function endIn(markdown: string): Promise<string> {
  const { figuresIn } = await import("../../local/markdown.ts");
  return figuresIn(markdown)?.end ?? "";
}
