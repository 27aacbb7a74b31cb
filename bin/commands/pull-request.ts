import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Command } from "commander";
import { portable } from "../../lib/portable.ts";
import { UsageError } from "../../local/events.ts";
import { print } from "../../local/terminal/streams.ts";
import type { Context } from "./context.ts";
import { REHEARSE_EXIT_CODES, USAGE } from "./exit-codes.ts";

/** The command that action.yml calls. Everything about GitHub comes from the environment. */
export function pullRequestCommand(
  { streams, exit }: Context,
  main: (args: string[]) => Promise<number>,
): Command {
  return new Command("pull-request")
    .summary("rehearse a plan in a job of GitHub Actions, and show it on the pull request")
    .description(
      "Rehearses the plan in a job of GitHub Actions, annotates its files, writes the job's summary, and keeps one comment on the pull request. The action of this repository calls it. It reads everything from the job's environment.",
    )
    .addHelpText("after", REHEARSE_EXIT_CODES)
    .action(async () => {
      const [{ keepComment, lastText, pullRequestIn }, markdown] = await Promise.all([
        import("../../local/pull-request.ts"),
        import("../../local/markdown.ts"),
      ]);
      const { env } = process;
      // By the job's input, not by the folder that was found: so a plan that is moved keeps its comment.
      const about = env.SLUICE_ACTION_PLAN ?? "";
      const request = env.SLUICE_ACTION_COMMENT === "true" ? await pullRequestIn(env) : undefined;
      // Failures of GitHub's API are only printed: the rehearsal needs nothing of GitHub.
      const last = request ? await lastText(request, about).catch(notRead(streams)) : "";
      const before = markdown.figuresIn(last);
      // Stays if the job is killed. Otherwise the comment would show an earlier push's end as this one's.
      if (request)
        await keepComment(
          request,
          about,
          markdown.keepingFigures(markdown.markdownUnderWay(about), before),
        ).catch(notWritten(streams));
      const { code, text } = await rehearsed(about, last, env.SLUICE_ACTION_DATABASE_URL, { streams, main });
      if (env.GITHUB_STEP_SUMMARY) await appendFile(env.GITHUB_STEP_SUMMARY, text);
      if (env.GITHUB_OUTPUT)
        await appendFile(env.GITHUB_OUTPUT, `end=${markdown.figuresIn(text)?.end ?? ""}\n`);
      const kept = request
        ? await keepComment(request, about, markdown.keepingFigures(text, before)).catch(notWritten(streams))
        : "";
      if (kept) print(streams.stdout, [kept]);
      exit(kept === undefined && code === 0 ? USAGE : code);
    });
}

/** The exit code of a rehearsal, and what can be shown of it. */
async function rehearsed(
  about: string,
  last: string,
  databaseUrl: string | undefined,
  { streams, main }: Pick<Context, "streams"> & { main: (args: string[]) => Promise<number> },
): Promise<{ code: number; text: string }> {
  const [{ findPlan }, { markdownWithoutResult }] = await Promise.all([
    import("../../local/find-plan.ts"),
    import("../../local/markdown.ts"),
  ]);
  const folder = await mkdtemp(join(tmpdir(), "sluice-pull-request-"));
  try {
    const plan = about || portable(relative(".", await findPlan("."))) || ".";
    const [now, before] = [join(folder, "now.md"), join(folder, "before.md")];
    await writeFile(before, last);
    const database = databaseUrl ? ["--database-url", databaseUrl] : [];
    const flags = ["--yes", "--markdown", now, "--since", before, "--annotations", "github"];
    const code = await main(["rehearse", "--plan", plan, ...flags, ...database]);
    return { code, text: (await readFile(now, "utf8").catch(() => "")) || markdownWithoutResult(plan) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    print(streams.stderr, [`error: ${error.message}`]);
    return { code: USAGE, text: markdownWithoutResult(about, error.message) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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

function notWritten({ stderr }: Context["streams"]) {
  return (error: unknown): undefined => {
    if (!(error instanceof UsageError)) throw error;
    print(stderr, [
      `error: The comment cannot be written: ${error.message}. The job's summary has the same.`,
    ]);
  };
}
