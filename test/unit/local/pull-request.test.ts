import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { main } from "../../../bin/commands/main.ts";
import type { End } from "../../../lambdas/shared/documents.ts";
import type { Rehearse } from "../../../local/events.ts";
import { type Figures, figuresIn, keepingFigures } from "../../../local/markdown.ts";
import { keepComment, lastText, type PullRequest, pullRequestIn } from "../../../local/pull-request.ts";
import { ended, FakeRun, started } from "../terminal/fake-run.ts";
import { FakeTerminal } from "../terminal/fake-terminal.ts";

interface Stored {
  url: string;
  body: string;
  user: { type: string };
  author_association: string;
}

/** GitHub's comments on one pull request. */
let comments: Stored[] = [];
let mayWrite = true;
let limited = false;
/** What a proxy or an error page answers instead of GitHub. */
let instead = "";
/** This many answers from now on are missing. */
let failures = 0;
let nothingIsWritten = false;
let url = "";
const server = createServer((asked, reply) => {
  let text = "";
  asked.on("data", (chunk) => {
    text += chunk;
  });
  asked.on("end", () => {
    const answer = (status: number, body: unknown) => reply.writeHead(status).end(JSON.stringify(body));
    if (failures-- > 0) return answer(502, {});
    if (limited) return reply.writeHead(403, { "x-ratelimit-remaining": "0" }).end("{}");
    if (instead !== "") return reply.end(instead);
    if (asked.headers.authorization !== "Bearer secret") return answer(401, {});
    const address = new URL(asked.url ?? "", url);
    if (asked.method === "GET") {
      const [size, page] = ["per_page", "page"].map((key) => Number(address.searchParams.get(key)));
      return answer(200, comments.slice(((page ?? 1) - 1) * (size ?? 0), (page ?? 1) * (size ?? 0)));
    }
    if (!mayWrite) return answer(403, {});
    if (nothingIsWritten) return answer(502, {});
    const { body } = JSON.parse(text) as { body: string };
    const at = comments.find((comment) => comment.url === address.href);
    if (asked.method === "PATCH" && at) at.body = body;
    else comments.push(comment(body));
    return answer(200, {});
  });
});

const comment = (body: string, type = "Bot", association = "NONE"): Stored => ({
  url: `${url}/comments/${comments.length}`,
  body,
  user: { type },
  author_association: association,
});

let folder = "";
beforeEach(async () => {
  comments = [];
  mayWrite = true;
  limited = false;
  instead = "";
  failures = 0;
  nothingIsWritten = false;
  folder = await mkdtemp(join(tmpdir(), "sluice-test-"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

/** The environment variables of a job. */
async function jobOf(event: object): Promise<Record<string, string>> {
  const path = join(folder, "event.json");
  await writeFile(path, JSON.stringify(event));
  return {
    GITHUB_EVENT_PATH: path,
    GITHUB_REPOSITORY: "team/shop",
    GITHUB_API_URL: url,
    SLUICE_ACTION_TOKEN: "secret",
  };
}

async function requestOf(event: object): Promise<PullRequest | undefined> {
  return await pullRequestIn(await jobOf(event));
}

const PUSHED = { pull_request: { number: 7, head: { sha: "0123456789abcdef0123456789abcdef01234567" } } };

async function request(): Promise<PullRequest> {
  const found = await requestOf(PUSHED);
  if (!found) throw new Error("There is no pull request");
  return found;
}

test("one comment is written, and changed from then on; another plan has its own", async () => {
  await keepComment(await request(), "sql/orders", "first");
  await keepComment(await request(), "sql/orders", "second");
  await keepComment(await request(), "sql/stock", "other");
  expect(comments).toHaveLength(2);
  expect(await lastText(await request(), "sql/orders")).toContain("second");
});

test("it is found behind a hundred others", async () => {
  comments = Array.from({ length: 150 }, () => comment("hello", "User", "MEMBER"));
  await keepComment(await request(), "sql/orders", "first");
  await keepComment(await request(), "sql/orders", "second");
  expect(comments).toHaveLength(151);
});

test("a stranger's similar comment is neither read nor changed", async () => {
  await keepComment(await request(), "sql/orders", "first");
  const [own] = comments;
  comments = [comment(own?.body.replace("first", "forged") ?? "", "User", "NONE")];
  expect(await lastText(await request(), "sql/orders")).toBe("");
  await keepComment(await request(), "sql/orders", "second");
  expect(comments.map(({ body }) => body.split("\n")[3])).toEqual(["forged", "second"]);
});

test("a job without write access reports so, and does not fail for that", async () => {
  mayWrite = false;
  expect(await keepComment(await request(), "sql/orders", "text")).toContain("pull-requests: write");
});

test("a text that is too long for a comment names where the rest is", async () => {
  await keepComment(await request(), "sql/orders", "x".repeat(100_000));
  expect(comments[0]?.body.length).toBe(65_536);
  expect(comments[0]?.body).toMatch(/The rest is in the job's summary\.\s*$/);
});

test("a text that is too long for a comment loses its figures for the next comparison only if they alone are too long", async () => {
  const figures = (version: string): Figures => ({
    end: "Succeeded",
    migrations: [{ ...NOT_RUN, version, title: "A title" }],
  });
  await keepComment(await request(), "sql/orders", keepingFigures("x".repeat(100_000), figures("001")));
  expect(comments[0]?.body.length).toBe(65_536);
  expect(figuresIn(comments[0]?.body ?? "")).toEqual(figures("001"));
  await keepComment(await request(), "sql/orders", keepingFigures("text", figures("1".repeat(100_000))));
  expect(comments[0]?.body).toMatch(/\n\ntext\s*$/);
});

test("a comment names its commit", async () => {
  await keepComment(await request(), "sql/orders", "text");
  expect(comments[0]?.body).toContain("\nCommit 0123456789ab\n");
});

test("a rate limit is not taken for a missing right", async () => {
  limited = true;
  await expect(keepComment(await request(), "sql/orders", "text")).rejects.toThrow(
    /takes no more requests for now, and answers 403/,
  );
});

test("a job without a pull request has none, and outside a job the call is refused", async () => {
  expect(await requestOf({ ref: "refs/heads/main" })).toBeUndefined();
  await expect(pullRequestIn({})).rejects.toThrow("sluice rehearse --markdown FILE");
});

test("an answer that is not GitHub's, or no answer, is no bug: the error names the request", async () => {
  instead = "<html>";
  const asked = await request();
  await expect(lastText(asked, "sql/orders")).rejects.toThrow(/returns no JSON to GET .*\/comments/);
  instead = '{"message":"hello"}';
  await expect(lastText(asked, "sql/orders")).rejects.toThrow(/returns no comments to GET .*\/comments/);
  const nobody = { ...asked, url: "http://127.0.0.1:1/comments" };
  await expect(keepComment(nobody, "sql/orders", "text")).rejects.toThrow(/gives no answer \(.+\) to GET /);
});

const NOT_RUN = { seconds: null, lock: null, rows: null, bytes: null, changes: null, wayBack: "not tried" };

describe("a job", () => {
  const summary = () => join(folder, "summary.md");
  const TINY = "test/plans/tiny";

  /** Runs as action.yml does. */
  async function job(
    plan: string,
    {
      databaseUrl = "",
      end = "Succeeded" as End,
      start = (async (options) => await new FakeRun(started, ended(end)).start(options)) as Rehearse,
    } = {},
  ) {
    const environment = {
      ...(await jobOf(PUSHED)),
      GITHUB_STEP_SUMMARY: summary(),
      GITHUB_OUTPUT: join(folder, "output"),
      SLUICE_ACTION_COMMENT: "true",
      SLUICE_ACTION_PLAN: plan,
      SLUICE_ACTION_DATABASE_URL: databaseUrl,
    };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const terminal = new FakeTerminal();
    const code = await main(["pull-request"], terminal, async () => start);
    vi.unstubAllEnvs();
    return { code, err: terminal.err };
  }

  test("keeps one comment, which shows what has changed since the last push, and outputs the end", async () => {
    expect(await job(TINY, { end: "Refused" })).toMatchObject({ code: 12 });
    expect(await job(TINY)).toMatchObject({ code: 0 });
    expect(comments).toHaveLength(1);
    for (const shown of [comments[0]?.body, await readFile(summary(), "utf8")])
      expect(shown).toContain("- it ended Refused, and now ends Succeeded");
    expect(await readFile(join(folder, "output"), "utf8")).toBe("end=Refused\nend=Succeeded\n");
  });

  test("that could not start withdraws what the comment showed of an earlier push", async () => {
    await keepComment(await request(), TINY, "Succeeded");
    expect(await job(TINY, { databaseUrl: "nonsense" })).toMatchObject({ code: 2 });
    expect(comments).toHaveLength(1);
    expect(comments[0]?.body).toContain("The rehearsal has no result.");
    expect(comments[0]?.body).not.toContain("Succeeded");
    expect(await readFile(summary(), "utf8")).toContain("The rehearsal has no result.");
    expect(await readFile(join(folder, "output"), "utf8")).toBe("end=\n");
  });

  test("that finds no plan, or several, withdraws it too, and shows why", async () => {
    await keepComment(await request(), "", "Succeeded");
    // The repository has many plans.
    expect(await job("")).toMatchObject({ code: 2, err: expect.stringContaining("Several folders here") });
    expect(comments).toHaveLength(1);
    expect(comments[0]?.body).toContain("Several folders here have a plan.yaml");
    expect(comments[0]?.body).not.toContain("Succeeded");
    expect(await readFile(summary(), "utf8")).toContain("Several folders here have a plan.yaml");
  });

  test("that is killed leaves no end of an earlier push", async () => {
    await job(TINY);
    let during: string | undefined;
    await job(TINY, {
      start: async (options) => {
        during = comments[0]?.body;
        return await new FakeRun(started, ended("Refused")).start(options);
      },
    });
    expect(during).toContain("The rehearsal is under way.");
    expect(during).not.toContain("Succeeded");
    expect(comments[0]?.body).toContain("- it ended Succeeded, and now ends Refused");
  });

  test("is compared with the last rehearsed push, even if others came between", async () => {
    await job(TINY, { end: "Refused" });
    await job(TINY, { databaseUrl: "nonsense" });
    await job(TINY, { databaseUrl: "nonsense" });
    await job(TINY);
    expect(comments[0]?.body).toContain("- it ended Refused, and now ends Succeeded");
    expect(await readFile(join(folder, "output"), "utf8")).toBe("end=Refused\nend=\nend=\nend=Succeeded\n");
  });

  test("continues if the earlier comment cannot be read, and reports it", async () => {
    await writeFile(join(folder, "plan.yaml"), "titel: Wrong\n");
    failures = 1;
    const { code, err } = await job(folder);
    expect(code).toBe(2);
    expect(err).toMatch(/The earlier comment cannot be read: GitHub answers 502 to GET /);
    expect(comments[0]?.body).toContain("The plan has mistakes.");
  });

  test("whose comment cannot be written has still rehearsed, and fails because the comment is not true", async () => {
    nothingIsWritten = true;
    const { code, err } = await job(TINY);
    expect(code).toBe(2);
    expect(err).toMatch(/The comment cannot be written: GitHub answers 502 to POST /);
    expect(await readFile(join(folder, "output"), "utf8")).toBe("end=Succeeded\n");
    expect(await readFile(summary(), "utf8")).toContain("### Sluice: ");
    // The run's own end takes precedence.
    expect(await job(TINY, { end: "RolledBack" })).toMatchObject({ code: 10 });
  });

  test("of a fork, which may not write, ends as its rehearsal does", async () => {
    mayWrite = false;
    expect(await job(TINY)).toEqual({ code: 0, err: "" });
    expect(comments).toEqual([]);
    expect(await readFile(summary(), "utf8")).toContain("### Sluice: ");
  });
});
