import { type ExecFileException, execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";

// action.yml as GitHub runs it: each step by its shell, with the variables of a runner and the API of a repository.

const REPOSITORY = join(import.meta.dirname, "../..");
const run = promisify(execFile);

interface Action {
  inputs: Record<string, { default: string }>;
  outputs: { end: { value: string } };
  runs: { steps: { id?: string; shell: string; env?: Record<string, string>; run: string }[] };
}

let root = "";
let action: Action;
/** The one comment of the pull request; undefined where there is none. */
let comment: string | undefined;
let mayWrite = true;
const server = createServer((asked, reply) => {
  let text = "";
  asked.on("data", (chunk) => {
    text += chunk;
  });
  asked.on("end", () => {
    const answer = (status: number, body: unknown) => reply.writeHead(status).end(JSON.stringify(body));
    const there = { url: `${api()}/comment`, user: { type: "Bot" }, author_association: "NONE" };
    if (asked.method === "GET")
      return answer(200, comment === undefined ? [] : [{ ...there, body: comment }]);
    if (!mayWrite) return answer(403, {});
    comment = (JSON.parse(text) as { body: string }).body;
    answer(200, {});
  });
});
const api = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sluice-action-"));
  action = parse(await readFile(join(REPOSITORY, "action.yml"), "utf8")) as Action;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // As it is checked out: no modules, nothing that was built.
  const { stdout } = await run("git", ["ls-files", "-co", "--exclude-standard"], { cwd: REPOSITORY });
  for (const file of stdout
    .split("\n")
    .filter((name) => /^(bin|docs|lambdas|lib|local|sql)\/|^[^/]+$/.test(name))) {
    await mkdir(dirname(join(root, "action", file)), { recursive: true });
    await cp(join(REPOSITORY, file), join(root, "action", file));
  }
});
afterAll(async () => {
  server.close();
  await rm(root, { recursive: true, force: true });
});

interface Job {
  code: number;
  log: string;
  summary: string;
  end: string | undefined;
}

/** One push of the pull request: all steps, in a workspace with those files below migrations/. */
async function push(
  files: Readonly<Record<string, string>>,
  { token = "a token", install = false } = {},
): Promise<Job> {
  const workspace = join(root, "workspace");
  await rm(workspace, { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(workspace, "migrations", path)), { recursive: true });
    await writeFile(join(workspace, "migrations", path), text);
  }
  const [event, summary, output] = ["event.json", "summary.md", "output"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  const sha = "89abcdef".repeat(5);
  await writeFile(event, JSON.stringify({ pull_request: { number: 7, head: { sha } } }));
  for (const file of [summary, output]) await writeFile(file, "");
  const filled = (text: string) =>
    text.replace(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_, name: string) =>
      name === "token" ? token : (action.inputs[name]?.default ?? ""),
    );
  const job: Job = { code: 0, log: "", summary: "", end: undefined };
  for (const step of action.runs.steps) {
    if (step.run.includes("npm ci") && !install) continue;
    const env = {
      // The machine's own settings decide how npm reaches its registry.
      ...process.env,
      CI: "true",
      GITHUB_ACTIONS: "true",
      GITHUB_ACTION_PATH: join(root, "action"),
      GITHUB_WORKSPACE: workspace,
      GITHUB_REPOSITORY: "team/shop",
      GITHUB_API_URL: api(),
      GITHUB_EVENT_PATH: event,
      GITHUB_STEP_SUMMARY: summary,
      GITHUB_OUTPUT: output,
      ...Object.fromEntries(Object.entries(step.env ?? {}).map(([name, value]) => [name, filled(value)])),
    };
    // The command that GitHub runs for `shell: bash`.
    const flags = ["--noprofile", "--norc", "-eo", "pipefail", "-c", step.run];
    const ran = await run(step.shell, flags, { cwd: workspace, env, maxBuffer: 1e8 }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout = "", stderr = "" }: ExecFileException) => ({ code: Number(code), stdout, stderr }),
    );
    job.log += ran.stdout + ran.stderr;
    job.code = ran.code;
    if (ran.code !== 0) break;
  }
  expect(action.outputs.end.value).toMatch(/^\$\{\{ steps\.rehearse\.outputs\.end \}\}$/);
  const end = /^end=(.*)$/m.exec(await readFile(output, "utf8"))?.[1];
  return { ...job, summary: await readFile(summary, "utf8"), end };
}

const FIRST = {
  "plan.yaml": "title: Shop\n",
  "001_orders/migrate.sql": "CREATE TABLE orders (id bigint PRIMARY KEY);\n",
  "001_orders/rollback.sql": "DROP TABLE IF EXISTS orders;\n",
};

test("two pushes keep one comment, and a refusal stands at its file and line", async () => {
  const first = await push(FIRST, { install: true });
  expect(first.log).not.toContain("bug in Sluice");
  expect(first).toMatchObject({ code: 0, end: "Succeeded" });
  expect(first.summary).toContain("`001` Orders");
  expect(comment).toContain("Commit 89abcdef89ab");
  expect(comment).toContain("proven back");
  const second = await push({
    ...FIRST,
    "002_labels/migrate.sql": "CREATE TABLE labels (id int);\nALTER TABLE nowhere ADD COLUMN x int;\n",
    "002_labels/rollback.sql": "DROP TABLE IF EXISTS labels;\n",
  });
  expect(second).toMatchObject({ code: 12, end: "Refused" });
  expect(second.log).toMatch(/^::error file=migrations\/002_labels\/migrate\.sql,line=\d+,title=Sluice%3A /m);
  expect(second.log).toMatch(
    /^::warning file=migrations\/002_labels\/migrate\.sql,line=1,title=squawk%3A prefer-bigint-over-int::/m,
  );
  expect(comment).toContain("- `002` is new");
  expect(comment).toContain("- it ended Succeeded, and now ends Refused");
});

test("a push with a mistake in the plan takes the end back, and the next is compared with the one before", async () => {
  const { code, end, log } = await push({ ...FIRST, "plan.yaml": "titel: Shop\n" });
  expect({ code, end }).toEqual({ code: 2, end: "" });
  expect(log).toMatch(/^::error file=migrations\/plan\.yaml,line=1,/m);
  expect(comment).toContain("The plan has mistakes.");
  expect(comment).not.toContain("Refused");
  expect((await push(FIRST)).code).toBe(0);
  expect(comment).toContain("- `002` is gone");
});

test("a fork's job, whose token may not write, has its summary and its end", async () => {
  comment = undefined;
  mayWrite = false;
  const { code, end, summary, log } = await push(FIRST);
  expect({ code, end }).toEqual({ code: 0, end: "Succeeded" });
  expect(summary).toContain("proven back");
  expect(log).toContain("The pull request gets no comment");
  expect(comment).toBeUndefined();
});
