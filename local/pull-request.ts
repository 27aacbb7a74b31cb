import { readFile } from "node:fs/promises";
import * as z from "zod";
import { UsageError } from "./events.ts";
import { figuresAsideOf } from "./markdown.ts";

/** A pull request at GitHub, and the credentials for its comments. */
export interface PullRequest {
  /** URL of its comments. */
  url: string;
  token: string;
  /** Its newest commit when the job began. */
  commit: string;
}

interface Comment {
  url: string;
  body: string;
}

const eventSchema = z.object({
  pull_request: z.object({ number: z.number().int(), head: z.object({ sha: z.string() }) }).optional(),
});
const commentsSchema = z.array(
  z.object({
    url: z.url(),
    body: z.string().nullish(),
    user: z.object({ type: z.string() }).nullish(),
    author_association: z.string(),
  }),
);

/** Anybody may write a comment that looks like ours, so the author must belong to the team. */
const OF_THE_TEAM: ReadonlySet<string> = new Set(["OWNER", "MEMBER", "COLLABORATOR"]);

const A_PAGE = 100;

/** The pull request of this job; undefined for a job without one. */
export async function pullRequestIn(environment: NodeJS.ProcessEnv): Promise<PullRequest | undefined> {
  const { GITHUB_EVENT_PATH, GITHUB_REPOSITORY, GITHUB_API_URL, SLUICE_ACTION_TOKEN: token } = environment;
  if (!GITHUB_EVENT_PATH || !GITHUB_REPOSITORY || !GITHUB_API_URL)
    throw new UsageError(
      "This is no job of GitHub Actions. Use `sluice rehearse --markdown FILE` elsewhere.",
    );
  const { pull_request: about } = eventSchema.parse(JSON.parse(await readFile(GITHUB_EVENT_PATH, "utf8")));
  if (!about || !token) return undefined;
  const url = `${GITHUB_API_URL}/repos/${GITHUB_REPOSITORY}/issues/${about.number}/comments`;
  return { url, token, commit: about.head.sha };
}

/**
 * The comment's current text; empty if there is none, or if it may not be read.
 * @param about the plan that the job's input names: each plan has its own comment
 * @throws UsageError for any other failure of GitHub's API
 */
export async function lastText(request: PullRequest, about: string): Promise<string> {
  try {
    return (await lastComment(request, about))?.body ?? "";
  } catch (error) {
    if (error instanceof NotAllowed) return "";
    throw error;
  }
}

/** Sluice's own comment about that plan; undefined if there is none yet. */
async function lastComment(request: PullRequest, about: string): Promise<Comment | undefined> {
  for (let page = 1; ; page++) {
    const url = `${request.url}?per_page=${A_PAGE}&page=${page}`;
    const { data: comments } = commentsSchema.safeParse(await ask(request, url));
    if (!comments) throw failure("returns no comments", "GET", url);
    const own = comments.find(
      ({ body, user, author_association: is }) =>
        body?.startsWith(marker(about)) && (user?.type === "Bot" || OF_THE_TEAM.has(is)),
    );
    if (own) return { url: own.url, body: own.body ?? "" };
    if (comments.length < A_PAGE) return undefined;
  }
}

/**
 * Writes the comment, or changes the existing one. A job without the permission, such as one of a fork's pull request, does
 * not fail for that.
 * @returns what was done
 */
export async function keepComment(request: PullRequest, about: string, markdown: string): Promise<string> {
  const body = bodyOf(request, about, markdown);
  try {
    const there = await lastComment(request, about);
    await ask(request, there?.url ?? request.url, there ? "PATCH" : "POST", { body });
    return there ? "The comment on the pull request is changed." : "The pull request now has a comment.";
  } catch (error) {
    if (error instanceof NotAllowed)
      return `The pull request gets no comment: ${error.message}. The job's summary has the same. Give the job the permission pull-requests: write.`;
    throw error;
  }
}

class NotAllowed extends Error {}

/** An invisible marker. */
function marker(about: string): string {
  return `<!-- sluice ${Buffer.from(about).toString("base64")} -->`;
}

/** GitHub's limit, in characters. */
const MOST = 65_536;
const CUT = "\n\nThe rest is in the job's summary.\n\n";

/** Names its commit: a job that is killed, or cannot install Sluice, leaves the earlier comment. */
function bodyOf({ commit }: PullRequest, about: string, markdown: string): string {
  const { shown, figures } = figuresAsideOf(markdown);
  const first = `${marker(about)}\nCommit ${commit.slice(0, 12)}\n\n`;
  const fits = first.length + shown.length + figures.length <= MOST;
  // Without figures the next push has nothing to compare with, so they are dropped only if too little room would be left.
  const kept = fits || figures.length <= MOST / 2 ? figures : "";
  const room = MOST - first.length - kept.length;
  const text = shown.length <= room ? shown : `${shown.slice(0, room - CUT.length)}${CUT}`;
  return `${first}${text}${kept}`;
}

async function ask(
  { token }: PullRequest,
  url: string,
  method: "GET" | "POST" | "PATCH" = "GET",
  body?: object,
): Promise<unknown> {
  const failed = (why: string) => failure(why, method, url);
  const answer = await fetch(url, {
    method,
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  }).catch((error: Error) => {
    const { cause = error } = error;
    throw failed(`gives no answer (${cause instanceof Error ? cause.message : cause})`);
  });
  // Rate limits have the same status as missing permissions.
  if (answer.headers.has("retry-after") || answer.headers.get("x-ratelimit-remaining") === "0")
    throw failed(`takes no more requests for now, and answers ${answer.status}`);
  if (answer.status === 401 || answer.status === 403 || answer.status === 404)
    throw new NotAllowed(`GitHub answers ${answer.status}`);
  if (!answer.ok) throw failed(`answers ${answer.status}`);
  return await answer.json().catch(() => {
    throw failed("returns no JSON");
  });
}

function failure(why: string, method: string, url: string): UsageError {
  return new UsageError(`GitHub ${why} to ${method} ${url}: try again`);
}
