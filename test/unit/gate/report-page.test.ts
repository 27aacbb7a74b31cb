import { createHash } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { newKey } from "../../../lambdas/gate/link.ts";
import { answer } from "../../../lambdas/gate-page/answer.ts";
import type { MakeReport } from "../../../lambdas/gate-page/report-page.ts";
import { buildReport } from "../../../lambdas/report/build.ts";
import { reportTask } from "../../../lambdas/report/task.ts";
import { Doc, type GateDoc, type ReportLinkDoc } from "../../../lambdas/shared/documents.ts";
import type { GatePorts } from "../../../lambdas/shared/ports.ts";
import { invoke } from "../../../lambdas/shared/task.ts";
import { CHECKSUM, executionOf, RunFixture, rehearsed, succeeded } from "../../support/evidence-fixtures.ts";
import { type MemoryPorts, memoryPorts, TestClock } from "../../support/ports.ts";

function portsOf(fixture: RunFixture): MemoryPorts {
  const ports = memoryPorts();
  ports.evidence = fixture.store;
  ports.clock = new TestClock(fixture.now());
  return ports;
}

const ask = (
  ports: MemoryPorts & Pick<GatePorts, "largePages">,
  path: string,
  key: string,
  method = "GET",
  makeReport: MakeReport = buildReport,
) =>
  answer(
    {
      method,
      path,
      query: `key=${key}`,
      headers: {},
      body: "",
      from: "192.0.2.1",
      origin: "https://gates.example",
    },
    ports,
    makeReport,
  );

/** A run at a gate, and the key of that gate's link. */
async function atGate(): Promise<{ ports: MemoryPorts; run: string; key: string }> {
  const fixture = await rehearsed();
  const { key, hash } = newKey();
  await fixture.gate("rehearsal", "none");
  const name = `runs/${fixture.evidence.run}/${Doc.gate("rehearsal", 1)}.json`;
  const doc = JSON.parse(fixture.store.files.get(name) ?? "") as GateDoc;
  fixture.store.files.set(name, JSON.stringify({ ...doc, keyHash: hash }));
  return { ports: portsOf(fixture), run: fixture.evidence.run, key };
}

/** A run that has notified people of its end, and the link in its message. */
async function notifiedRun(): Promise<{ ports: MemoryPorts; run: string; link: URL }> {
  const fixture = await succeeded(new RunFixture());
  const ports = portsOf(fixture);
  const event = {
    run: fixture.evidence.run,
    execution: executionOf(fixture.evidence.run),
    planChecksum: CHECKSUM,
  };
  await invoke(
    reportTask,
    { ...event, state: "Write the report", action: "write", end: "Succeeded", unfinished: {} },
    ports,
  );
  await invoke(reportTask, { ...event, state: "Tell everyone", action: "tell" }, ports);
  const link = /^https:\S+$/m.exec(ports.notices[0]?.text ?? "")?.[0] ?? "";
  return { ports, run: fixture.evidence.run, link: new URL(link) };
}

describe("the report, by a gate's link,", () => {
  test("is shown to anyone with the gate's key, also once its time is over, for thirty days", async () => {
    const { ports, run, key } = await atGate();
    const shown = await ask(ports, `/gates/${run}/rehearsal/1/report`, key);
    expect(shown.status).toBe(200);
    expect(shown.body).toContain("<h1>Still running</h1>");
    expect(shown.body).not.toContain(key);
    ports.clock.pass(30 * 24 * 3600 * 1000);
    expect((await ask(ports, `/gates/${run}/rehearsal/1/report`, key)).status).toBe(404);
  });

  test("is shown to nobody else", async () => {
    const { ports, run, key } = await atGate();
    for (const [path, given] of [
      [`/gates/${run}/rehearsal/1/report`, "guessed"],
      [`/gates/${run}/rehearsal/2/report`, key],
      [`/gates/another/rehearsal/1/report`, key],
      [`/reports/${run}`, key],
    ] as const)
      expect((await ask(ports, path, given)).status).toBe(404);
  });

  test("cannot be posted to", async () => {
    const { ports, run, key } = await atGate();
    expect((await ask(ports, `/gates/${run}/rehearsal/1/report`, key, "POST")).status).toBe(404);
  });
});

describe("the report, by the final message's link,", () => {
  test("is shown for as long as the message states, and not after", async () => {
    const { ports, link } = await notifiedRun();
    const key = link.searchParams.get("key") ?? "";
    const shown = await ask(ports, link.pathname, key);
    expect(shown.status).toBe(200);
    expect(shown.body).toContain("<h1>Succeeded</h1>");
    ports.clock.pass(30 * 24 * 3600 * 1000);
    const over = await ask(ports, link.pathname, key);
    expect(over.status).toBe(404);
    expect(over.body).toContain("A link to a report works for 30 days");
  });

  test("opens only that run's report, and the evidence does not reveal the key", async () => {
    const { ports, link, run } = await notifiedRun();
    const key = link.searchParams.get("key") ?? "";
    expect((await ask(ports, "/reports/another", key)).status).toBe(404);
    expect((await ask(ports, "/reports/..", key)).status).toBe(404);
    for (const text of ports.evidence.files.values()) expect(text).not.toContain(key);
    const hash = createHash("sha256").update(key).digest("hex");
    const doc = JSON.parse(
      ports.evidence.files.get(`runs/${run}/${Doc.reportLink(hash)}.json`) ?? "null",
    ) as ReportLinkDoc;
    expect(doc.expiresAt > doc.at).toBe(true);
  });

  test("has a policy that lets it load, run and send nothing, and permits only its own style", async () => {
    const { ports, link } = await notifiedRun();
    const { headers, body } = await ask(ports, link.pathname, link.searchParams.get("key") ?? "");
    const policy = headers["content-security-policy"] ?? "";
    expect(policy).not.toContain("unsafe");
    for (const rule of ["default-src 'none'", "form-action 'none'", "frame-ancestors 'none'"])
      expect(policy.split("; ")).toContain(rule);
    const style = /<style>([\s\S]*?)<\/style>/.exec(body)?.[1] ?? "";
    expect(policy).toContain(`'sha256-${createHash("sha256").update(style).digest("base64")}'`);
    expect(headers).toMatchObject({ "referrer-policy": "no-referrer", "cache-control": "no-store" });
  });
});

describe("a report that is larger than Lambda's limit of an answer", () => {
  // Lists and values are cut, but many of them are still large.
  const large: MakeReport = async (evidence) => {
    const report = await buildReport(evidence);
    const [criterion] = report.criteria;
    if (!criterion) throw new Error("The report has no criteria");
    const text = "x".repeat(1_900);
    const long = { ...criterion, title: text, detail: text, evidence: [text, text] };
    return { ...report, criteria: Array.from({ length: 4_000 }, () => long) };
  };
  const largePages = { link: async (key: string) => `https://bucket.example/${key}?signature=1&expires=300` };

  test("is kept as one file, and the page leads there by a link that expires", async () => {
    const { ports, run, key } = await atGate();
    const path = `/gates/${run}/rehearsal/1/report`;
    const shown = await ask({ ...ports, largePages }, path, key, "GET", large);
    expect(shown.status).toBe(200);
    expect(shown.body.length).toBeLessThan(20_000);
    const kept = [...ports.evidence.files].filter(([name]) => name.includes("/shown/report-"));
    expect(kept).toHaveLength(1);
    expect(kept[0]?.[1]).toContain("x".repeat(1_900));
    const link = `https://bucket.example/${kept[0]?.[0]}?signature=1&expires=300`;
    expect(shown.headers.refresh).toBe(`0; url=${link}`);
    expect(shown.body).toContain(`href="${link.replace("&", "&amp;")}"`);
    expect(shown.body).not.toContain(key);
    // A second request adds nothing.
    await ask({ ...ports, largePages }, path, key, "GET", large);
    expect([...ports.evidence.files.keys()].filter((name) => name.includes("/shown/"))).toHaveLength(1);
  });

  test("is signed for nobody without the key", async () => {
    const { ports, run } = await atGate();
    const link = vi.fn(largePages.link);
    const path = `/gates/${run}/rehearsal/1/report`;
    expect((await ask({ ...ports, largePages: { link } }, path, "guessed", "GET", large)).status).toBe(404);
    expect(link).not.toHaveBeenCalled();
  });

  test("is shown at once if answers have no limit, and so is one that fits", async () => {
    const { ports, run, key } = await atGate();
    const path = `/gates/${run}/rehearsal/1/report`;
    expect((await ask(ports, path, key, "GET", large)).body.length).toBeGreaterThan(6_300_000);
    expect((await ask({ ...ports, largePages }, path, key)).body).toContain("<h1>Still running</h1>");
  });

  test("leaves the decision to the gate's page, and shows what was measured", async () => {
    const { ports, run, key } = await atGate();
    const path = `/gates/${run}/rehearsal/1`;
    const name = `runs/${run}/${Doc.gate("rehearsal", 1)}.json`;
    const doc = JSON.parse(ports.evidence.files.get(name) ?? "") as GateDoc;
    ports.clock = new TestClock(doc.openedAt);
    const wide: MakeReport = async (evidence) => {
      const report = await buildReport(evidence);
      const text = "x".repeat(1_900);
      const failure = { at: doc.openedAt, state: text, error: text, message: text, attempts: 1 };
      const failures = Array.from({ length: 4_000 }, () => failure);
      return {
        ...report,
        failures,
        proofs: report.proofs.map((proof) => ({ ...proof, differences: failures.map(() => text) })),
      };
    };
    const shown = await ask({ ...ports, largePages }, path, key, "GET", wide);
    expect(shown.status).toBe(200);
    expect(shown.body.length).toBeLessThan(50_000);
    expect(shown.body).toContain("The results are too large for this page");
    expect(shown.body).toContain('id="decide"');
    expect((await ask(ports, path, key, "GET", wide)).body.length).toBeGreaterThan(6_300_000);
  });
});
