import { appendFile, cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { main } from "../../../bin/commands/main.ts";
import { reportTask } from "../../../lambdas/report/task.ts";
import { linked } from "../../../lambdas/shared/chain.ts";
import { Doc, type GateDecisionDoc, type GateDoc } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import { sha256 } from "../../../lambdas/shared/sha256.ts";
import { invoke } from "../../../lambdas/shared/task.ts";
import { executionOf, RunFixture, succeeded } from "../../support/evidence-fixtures.ts";
import { type MemoryPorts, memoryPorts } from "../../support/ports.ts";
import { temporaryFolder } from "../../support/rehearsal.ts";
import { FakeTerminal } from "../terminal/fake-terminal.ts";

const EVENT = {
  run: "2026-11-03-first",
  execution: executionOf("2026-11-03-first"),
  planChecksum: "c".repeat(64),
};
const PAGE = "<p>what the page showed</p>";
let ports: MemoryPorts;
let hash: string;

/** A run that succeeded, decided on pages, sealed, and read once more by the watch. */
beforeAll(async () => {
  let checklist: string[] = [];
  const fixture = new RunFixture({}, (document, name) => {
    if (name.endsWith("/request")) ({ checklist } = document as unknown as GateDoc);
    if (!name.endsWith("/decision")) return document;
    const page = { ticked: checklist, shown: sha256(PAGE) };
    return { ...document, ...page };
  });
  ports = memoryPorts();
  ports.evidence = fixture.store;
  await linked(ports, async (noted) => {
    const create = fixture.store.create.bind(fixture.store);
    const inner = noted.evidence;
    // The fixture writes through the chain, as a worker does.
    let through = false;
    fixture.store.create = async (key, body) => {
      if (through || key.includes("/chain/")) return create(key, body);
      through = true;
      try {
        return await inner.create(key, body);
      } finally {
        through = false;
      }
    };
    await succeeded(fixture);
    const gates = new Set(
      [...fixture.store.files.keys()].flatMap((key) => /gates\/[^/]+/.exec(key)?.[0] ?? []),
    );
    for (const gate of gates)
      await fixture.evidence.keepFile(`${gate}/shown-${sha256(PAGE).slice(0, 16)}.html`, PAGE, "text/html");
    fixture.store.create = create;
  });
  ports.clock.pass(24 * 3_600_000);
  const write = { ...EVENT, state: "Write the report", action: "write", unfinished: {} };
  await invoke(reportTask, { ...write, end: "Succeeded" }, ports);
  await invoke(reportTask, { ...EVENT, state: "Tell everyone", action: "tell" }, ports);
  await linked(ports, (noted) =>
    evidenceOf(noted.evidence, EVENT.run).createOnce(Doc.verifiedAgain, {
      at: ports.clock.now().toISOString(),
      endedAt: ports.clock.now().toISOString(),
      migrations: ["007"],
      results: [],
      counters: { committed: 0, rolledBack: 0, queries: {} },
    }),
  );
  hash = sha256(ports.evidence.files.get(`runs/${EVENT.run}/manifest.json`) ?? "");
});

/** The evidence as a folder; each test has its own. */
async function copied(): Promise<string> {
  const folder = await temporaryFolder();
  for (const [key, body] of ports.evidence.files) {
    const path = join(folder, key.slice(`runs/${EVENT.run}/`.length));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, body);
  }
  return folder;
}

async function verify(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = new FakeTerminal();
  const code = await main(["verify", ...args], terminal);
  return { code, out: terminal.out, err: terminal.err };
}

async function edit(path: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(path, "utf8");
  const after = change(before);
  if (after === before) throw new Error(`Nothing changes in ${path}`);
  await writeFile(path, after);
}

const DECISION = "gates/open-1/decision.json";

describe("a folder as the run left it", () => {
  test("is whole by the hash that message, report and evidence show, and the verdict is computed again", async () => {
    const folder = await copied();
    const { code, out } = await verify(folder, "--hash", hash);
    expect(out).toMatch(/^Whole: \d+ files are what the run wrote/);
    expect(out).toContain("Verdict   Succeeded");
    expect(code).toBe(0);
    expect(ports.notices.at(-1)?.text).toContain(hash);
    expect(JSON.parse(await readFile(join(folder, "report.json"), "utf8"))).toMatchObject({ manifest: hash });
    expect(await readFile(join(folder, "report.html"), "utf8")).toContain(hash);
  });

  test("without a hash is reported as consistent, which is less than whole", async () => {
    const { code, out } = await verify(await copied());
    expect(code).toBe(0);
    expect(out).toMatch(/^Consistent: .*can make it so; --hash/);
  });

  test("is whole without gates' tokens, which only gates may read", async () => {
    const folder = await copied();
    const tokens = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith("token.json"));
    expect(tokens).not.toEqual([]);
    for (const name of tokens) await rm(join(folder, name));
    expect((await verify(folder, "--hash", hash)).code).toBe(0);
  });

  test("is whole if `sluice report` made its report again", async () => {
    const folder = await copied();
    await rm(join(folder, "report.html"));
    expect(await main(["report", folder], new FakeTerminal())).toBe(0);
    expect(await verify(folder, "--hash", hash)).toMatchObject({ code: 0 });
  });

  test("lists what was written after the end, which the hash does not cover", async () => {
    const { out } = await verify(await copied(), "--hash", hash);
    expect(out).toMatch(/After the end \d+ files were written/);
  });
});

describe("a folder that was tampered with is not whole:", () => {
  const cases: [string, (folder: string) => Promise<unknown>, RegExp][] = [
    [
      "another approver's name",
      (f) => edit(join(f, DECISION), (text) => text.replace(/"by": "[^"]+"/, '"by": "Grace Hopper"')),
      /changed: gates\/open-1\/decision\.json is not/,
    ],
    [
      "a file under another name",
      (f) => rename(join(f, "fence.json"), join(f, "fences.json")),
      /renamed: fence\.json is now fences\.json/,
    ],
    ["a decision removed", (f) => rm(join(f, DECISION)), /removed: gates\/open-1\/decision\.json/],
    [
      "a document added",
      (f) => writeFile(join(f, "checks/production-009-1.json"), "{}"),
      /added: checks\/production-009-1\.json/,
    ],
    [
      "a reading of the watch added after the end",
      (f) => writeFile(join(f, "watch/2026-12-01T00-00-00-000Z.json"), "{}"),
      /added: watch\/2026-12-01T00-00-00-000Z\.json/,
    ],
    [
      "the documents written after the end removed",
      (f) => rm(join(f, "verified-again.json")),
      /removed: verified-again\.json \(written after the run's end\)/,
    ],
    [
      "two files swapped",
      async (f) => {
        await rename(join(f, "gates/open-1/decision.json"), join(f, "x"));
        await rename(join(f, "gates/readiness-1/decision.json"), join(f, "gates/open-1/decision.json"));
        await rename(join(f, "x"), join(f, "gates/readiness-1/decision.json"));
      },
      /swapped: gates\/(open|readiness)-1\/decision\.json and gates\/(open|readiness)-1\/decision\.json/,
    ],
    [
      "the text of one file in another",
      (f) => cp(join(f, "gates/readiness-1/decision.json"), join(f, DECISION)),
      /changed: gates\/open-1\/decision\.json has what the run wrote to gates\/readiness-1\/decision\.json/,
    ],
    ["the manifest cut off", (f) => rm(join(f, "manifest.json")), /cut off: .*manifest\.json/],
    [
      "the whole end cut off",
      async (f) => {
        for (const name of [
          "manifest.json",
          "outcome.json",
          "report.json",
          "report.html",
          "verified-again.json",
        ])
          await rm(join(f, name));
      },
      /cut off: there is no manifest\.json/,
    ],
    [
      "the last link of the chain cut off",
      async (f) => rm(join(f, "chain", await lastLink(f))),
      /added: verified-again\.json/,
    ],
    ["a link of the chain removed", (f) => rm(join(f, "chain/00001.json")), /removed: chain\/00001\.json/],
    [
      "a link of the chain changed",
      (f) => edit(join(f, "chain/00001.json"), (text) => text.replace('"at": "2026', '"at": "2025')),
      /changed: chain\/0000[12]\.json/,
    ],
    [
      "one byte more at a file's end",
      (f) => appendFile(join(f, "outcome.json"), "\n"),
      /changed: outcome\.json is not/,
    ],
    [
      "a sentence of the report",
      (f) => edit(join(f, "report.html"), (text) => text.replace("Succeeded", "Restored")),
      /changed: report\.html is not/,
    ],
    [
      "the report's verdict",
      (f) =>
        edit(join(f, "report.json"), (text) => text.replace('"end": "Succeeded"', '"end": "RolledBack"')),
      /verdict: report\.json has RolledBack, but the evidence leads to Succeeded/,
    ],
    ["the plan removed", (f) => rm(join(f, "plan.json")), /removed: plan\.json/],
    ["an unreadable document", (f) => writeFile(join(f, "request.json"), "{"), /changed: request\.json/],
    [
      "an unreadable manifest",
      (f) => writeFile(join(f, "manifest.json"), "[]"),
      /changed: manifest\.json cannot be read/,
    ],
    [
      "a link instead of a file",
      async (f) => {
        await rm(join(f, "fence.json"));
        await symlink("/etc/hostname", join(f, "fence.json"));
      },
      /added: fence\.json is a link(.|\n)*removed: fence\.json/,
    ],
  ];

  async function lastLink(folder: string): Promise<string> {
    return (await readdir(join(folder, "chain"))).sort().at(-1) ?? "";
  }

  test.each(cases)("%s", async (_, tamper, finding) => {
    const folder = await copied();
    await tamper(folder);
    // Without the hash, which is harder.
    const { code, out, err } = await verify(folder);
    expect(out).toMatch(finding);
    expect(out).toMatch(/^NOT WHOLE/);
    expect(code).toBe(3);
    expect(err).toBe("");
  });

  test("a manifest that was rebuilt to fit, which only the hash finds", async () => {
    const folder = await copied();
    await edit(join(folder, DECISION), (text) => text.replace('"comment": ""', '"comment": "fine by me"'));
    const changed = sha256(await readFile(join(folder, DECISION)));
    const before = sha256(ports.evidence.files.get(`runs/${EVENT.run}/${DECISION}`) ?? "");
    await edit(join(folder, "manifest.json"), (text) => text.replaceAll(before, changed));
    const { code, out } = await verify(folder, "--hash", hash);
    expect(out).toContain("changed: manifest.json does not have the given hash");
    expect(code).toBe(3);
  });

  test("a decision that no page can have accepted, even if the manifest lists it", async () => {
    const folder = await copied();
    const forged = JSON.parse(await readFile(join(folder, DECISION), "utf8")) as GateDecisionDoc;
    await writeFile(join(folder, DECISION), JSON.stringify({ ...forged, shown: "" }));
    const text = await readFile(join(folder, "manifest.json"), "utf8");
    const before = sha256(ports.evidence.files.get(`runs/${EVENT.run}/${DECISION}`) ?? "");
    await writeFile(
      join(folder, "manifest.json"),
      text.replaceAll(before, sha256(await readFile(join(folder, DECISION)))),
    );
    expect((await verify(folder)).out).toMatch(
      /forged: no page can have accepted gates\/open-1\/decision\.json: No page was shown to Ada Lovelace/,
    );
  });
});

test.each([["an invalid hash", ["--hash", "3f5a"], "--hash must be the 64 hexadecimal digits"]])(
  "%s is a mistake in the call",
  async (_, args, message) => {
    const { code, err } = await verify(await copied(), ...args);
    expect(code).toBe(2);
    expect(err).toContain(message);
  },
);

test("a folder without evidence, or none at all, is a mistake in the call", async () => {
  const folder = await temporaryFolder();
  expect(await verify(folder)).toMatchObject({ code: 2, err: expect.stringContaining("holds no evidence") });
  expect(await verify(join(folder, "no"))).toMatchObject({
    code: 2,
    err: expect.stringContaining("no folder"),
  });
});

describe("finds changes other than an edit of a listed file:", () => {
  test.each(["gates/none-1/token.json", "leases/page.html"])("%s was added", async (name) => {
    const folder = await copied();
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), "{}");
    const { code, out } = await verify(folder, "--hash", hash);
    expect(out).toContain(`added: ${name}`);
    expect(code).toBe(3);
  });

  test("the manifest's hash was removed from the report", async () => {
    const folder = await copied();
    for (const name of ["report.html", "report.json"])
      await edit(join(folder, name), (text) => text.replaceAll(hash, "0".repeat(64)));
    const { out } = await verify(folder, "--hash", hash);
    expect(out).toContain("changed: report.html");
    expect(out).toContain("changed: report.json");
  });

  test("a folder replaced a page that was shown", async () => {
    const folder = await copied();
    const name = `gates/open-1/shown-${sha256(PAGE).slice(0, 16)}.html`;
    await rm(join(folder, name));
    await mkdir(join(folder, name));
    const { code, out } = await verify(folder, "--hash", hash);
    expect(out).toContain(`removed: ${name}`);
    expect(code).toBe(3);
  });
});
