import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keepComment, lastText, type PullRequest, pullRequestIn } from "../../../local/pull-request.ts";

interface Stored {
  url: string;
  body: string;
  user: { type: string };
  author_association: string;
}

/** GitHub's comments on one pull request. */
let comments: Stored[] = [];
let mayWrite = true;
/** What a proxy or a page of errors says in GitHub's place. */
let instead = "";
let url = "";
const server = createServer((asked, reply) => {
  let text = "";
  asked.on("data", (chunk) => {
    text += chunk;
  });
  asked.on("end", () => {
    const answer = (status: number, body: unknown) => reply.writeHead(status).end(JSON.stringify(body));
    if (instead !== "") return reply.end(instead);
    if (asked.headers.authorization !== "Bearer secret") return answer(401, {});
    const address = new URL(asked.url ?? "", url);
    if (asked.method === "GET") {
      const [size, page] = ["per_page", "page"].map((key) => Number(address.searchParams.get(key)));
      return answer(200, comments.slice(((page ?? 1) - 1) * (size ?? 0), (page ?? 1) * (size ?? 0)));
    }
    if (!mayWrite) return answer(403, {});
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
  instead = "";
  folder = await mkdtemp(join(tmpdir(), "sluice-test-"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function requestOf(event: object): Promise<PullRequest | undefined> {
  const path = join(folder, "event.json");
  await writeFile(path, JSON.stringify(event));
  return await pullRequestIn({
    GITHUB_EVENT_PATH: path,
    GITHUB_REPOSITORY: "team/shop",
    GITHUB_API_URL: url,
    SLUICE_ACTION_TOKEN: "secret",
  });
}

async function request(): Promise<PullRequest> {
  const found = await requestOf({ pull_request: { number: 7 } });
  if (!found) throw new Error("There is no pull request");
  return found;
}

test("one comment is written, and changed from then on; another plan has one of its own", async () => {
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

test("a stranger's comment that looks like it is neither read nor changed", async () => {
  await keepComment(await request(), "sql/orders", "first");
  const [own] = comments;
  comments = [comment(own?.body.replace("first", "forged") ?? "", "User", "NONE")];
  expect(await lastText(await request(), "sql/orders")).toBe("");
  await keepComment(await request(), "sql/orders", "second");
  expect(comments.map(({ body }) => body.split("\n")[1])).toEqual(["forged", "second"]);
});

test("a job that may not write says so, and fails for nothing else", async () => {
  mayWrite = false;
  expect(await keepComment(await request(), "sql/orders", "text")).toContain("pull-requests: write");
});

test("a text that is too long for a comment says where the rest is", async () => {
  await keepComment(await request(), "sql/orders", "x".repeat(100_000));
  expect(comments[0]?.body.length).toBe(65_536);
  expect(comments[0]?.body).toMatch(/The rest is in the job's summary\.$/);
});

test("a job that is about no pull request has none, and what is no job is refused", async () => {
  expect(await requestOf({ ref: "refs/heads/main" })).toBeUndefined();
  await expect(pullRequestIn({})).rejects.toThrow("sluice rehearse --markdown FILE");
});

test("an answer that is none of GitHub's, or none at all, is no bug: it says what was asked", async () => {
  instead = "<html>";
  const asked = await request();
  await expect(lastText(asked, "sql/orders")).rejects.toThrow(/answers what is no JSON to GET .*\/comments/);
  const nobody = { ...asked, url: "http://127.0.0.1:1/comments" };
  await expect(keepComment(nobody, "sql/orders", "text")).rejects.toThrow(/gives no answer \(.+\) to GET /);
});
