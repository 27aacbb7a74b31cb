import { describe, expect, test } from "vitest";
import { chooseBackup } from "../../lambdas/preflight/choose-backup.ts";
import { Doc, docName, type ProductionDoc } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { memoryPorts, type PortOverrides } from "../support/ports.ts";

const NOW = "2026-11-03T02:00:00.000Z";

/** A server that keeps no statistics of its WAL. */
const session: Session = {
  query: async <Row>(text: string) =>
    [text.includes("to_regclass") ? { counts: false } : { time: "2026-11-03T02:00:00.250000Z" }] as Row[],
  exec: async () => undefined,
  together: async () => [],
};

const archive = { by: "archive", baseAt: "2026-11-03T01:00:00.000Z" } as const;
const good = { moments: archive, backups: { days: 7, until: "2026-11-03T01:56:00.000Z" } };

async function chosen(production: Partial<ProductionDoc>, overrides: PortOverrides = {}) {
  const ports = memoryPorts(overrides);
  const evidence = evidenceOf(ports.evidence, "run-1");
  const check = await chooseBackup(session, ports, evidence, production as ProductionDoc);
  return { check, doc: await evidence.require(Doc.backup), evidence, ports };
}

describe("if the instance's backups allow it", () => {
  test("production is backed up to the moment, and the cost is noted", async () => {
    const { check, doc } = await chosen(good);
    expect(check).toMatchObject({
      name: "backup",
      passed: true,
      seen: expect.stringMatching(/^to the moment: .*7 days/),
    });
    expect(doc).toMatchObject({
      by: "point-in-time",
      replay: { baseAt: archive.baseAt, bytesPerHour: null },
      clockAheadMs: 250,
    });
  });

  test("instances that are copied need no backups", async () => {
    const { doc } = await chosen({ moments: { by: "copy", baseAt: null } });
    expect(doc).toMatchObject({ by: "point-in-time" });
    expect(doc.replay).toBeUndefined();
  });

  test("the first worker's choice holds for the run, whatever the backups are later", async () => {
    const { evidence, ports } = await chosen(good);
    await chooseBackup(session, ports, evidence, { moments: archive, backups: { days: 0 } } as ProductionDoc);
    expect(await evidence.require(Doc.backup)).toMatchObject({ by: "point-in-time" });
  });

  test("a request for the moment alone is refused if the first worker chose a snapshot", async () => {
    const { evidence, ports } = await chosen(
      { moments: archive, backups: { days: 7 } },
      { settings: { backup: "point-in-time" } },
    );
    const check = await chooseBackup(session, ports, evidence, good as ProductionDoc);
    expect(check).toMatchObject({ passed: false, seen: expect.stringMatching(/^by a snapshot/) });
  });
});

const LACKS: [string, Partial<ProductionDoc>, RegExp][] = [
  ["the server restores snapshots only", {}, /snapshots only/],
  ["it is unknown whether backups are on", { moments: archive }, /unknown whether automated backups are on/],
  ["backups are off", { moments: archive, backups: { days: 0 } }, /are off/],
  [
    "there is no restorable time yet",
    { moments: archive, backups: { days: 7 } },
    /no latest restorable time/,
  ],
  [
    "the restorable time is no time",
    { moments: archive, backups: { days: 7, until: "soon" } },
    /no latest restorable time/,
  ],
  [
    "the backups have stopped",
    { moments: archive, backups: { days: 7, until: "2026-11-03T00:30:00.000Z" } },
    /1 h 30 min behind: the backups have stopped/,
  ],
  [
    "they are not kept for as long as the run may take",
    { moments: archive, backups: { days: 1, until: NOW } },
    /kept for 1 day, but this run.* keep them for 2/,
  ],
];

describe.each(LACKS)("if %s", (_, production, why) => {
  test("a snapshot is taken, and the reason is shown", async () => {
    const { check, doc } = await chosen(production);
    expect(doc).toMatchObject({ by: "snapshot", why: [expect.stringMatching(why)] });
    expect(check).toMatchObject({ passed: null, seen: expect.stringMatching(why) });
  });

  test("a request for the moment alone is refused", async () => {
    const { check } = await chosen(production, { settings: { backup: "point-in-time" } });
    expect(check).toMatchObject({ passed: false, seen: expect.stringMatching(why) });
    expect(check.mend).toMatch(/automated backups/);
  });
});

describe("a requested snapshot", () => {
  test.each<[string, PortOverrides, RegExp]>([
    ["by the settings", { settings: { backup: "snapshot" } }, /settings request/],
    ["by the plan", { plan: { backup: "snapshot" } }, /plan requests/],
    ["by the rehearsal inside the downtime", { settings: { rehearse: "inside" } }, /rehearse: inside/],
    ["by the copy to another Region", { settings: { copyTo: { region: "eu-west-1" } } }, /backup\.copyTo/],
  ])("%s is taken even if the moment is available", async (_, overrides, why) => {
    const { check, doc } = await chosen(good, overrides);
    expect(doc).toMatchObject({ by: "snapshot", why: [expect.stringMatching(why)] });
    expect(check.passed).toBe(true);
  });

  test("together with a requested moment is a mistake", async () => {
    const { check } = await chosen(good, {
      settings: { backup: "snapshot" },
      plan: { backup: "point-in-time" },
    });
    expect(check).toMatchObject({ passed: false, seen: expect.stringMatching(/settings request/) });
    // The backups are fine here.
    expect(check.mend).toMatch(/point-in-time` in the plan.*remove one of the two/);
  });
});

test("backups must outlast a maintenance window that is longer than the gates", async () => {
  const ports = memoryPorts();
  const evidence = evidenceOf(ports.evidence, "run-1");
  await evidence.createOnce(docName(Doc.request), {
    window: { begins: NOW, ends: "2026-11-05T14:00:00.000Z", override: null },
  });
  const production = { moments: archive, backups: { days: 2, until: NOW } } as ProductionDoc;
  await chooseBackup(session, ports, evidence, production);
  expect(await evidence.require(Doc.backup)).toMatchObject({
    by: "snapshot",
    why: [expect.stringMatching(/keep them for 3/)],
  });
});
