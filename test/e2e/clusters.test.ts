import { GetObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PreflightDoc } from "../../lambdas/shared/documents.ts";
import { asideName, snapshotName, stagingName } from "../../lambdas/shared/names.ts";
import { type Environment, makeEnvironment } from "./environment.ts";
import { type Played, play } from "./play.ts";
import { INSTANCE } from "./production.ts";

let environment: Environment;
beforeAll(async () => {
  environment = await makeEnvironment("cluster");
});
afterAll(() => environment?.close());
beforeEach(() => environment.production.reset());

const endOf = ({ status, error, failures }: Played): string =>
  status === "FAILED" && error === undefined ? failures.join("\n") : (error ?? status);

/** Another object uses the new table, so that it cannot be dropped. */
const inTheWay = {
  "after-003": async () => {
    await environment.production.asSuperuser("CREATE VIEW in_the_way AS SELECT * FROM label");
    return true;
  },
};

describe("a run on a cluster", () => {
  test("whose staging is a clone ends Succeeded, and reports that it tested no backup", async () => {
    const run = "cluster-succeeds";
    const played = await play(environment, { run });
    expect([endOf(played), played.cause]).toEqual(["SUCCEEDED", undefined]);
    expect(await environment.production.versions()).toEqual(["1", "2", "3"]);
    expect(await environment.production.isOpen()).toBe(true);
    await expectNothingLeft(run);
    // The final clone is the way back, and stays: without an instance, so that nothing runs on it.
    expect(names()).toEqual([INSTANCE, snapshotName(run, "final")].sort());
    expect(JSON.parse(await fileOf(run, "snapshots/rehearsal.json"))).toMatchObject({ clone: true });
    expect(await fileOf(run, "report.html")).toContain("This did not test a backup");
    const { checks } = JSON.parse(await fileOf(run, "preflight.json")) as PreflightDoc;
    expect(checks.find(({ name }) => name === "clones")).toMatchObject({ passed: true, seen: "none" });
  });

  test("that gets a No-Go for production ends Refused, and leaves nothing behind", async () => {
    const run = "cluster-refused";
    const played = await play(environment, { run, noGo: ["rehearsal"] });
    expect([endOf(played), played.cause]).toEqual([
      "Refused",
      expect.stringContaining("Production was not touched"),
    ]);
    await expectNothingLeft(run);
  });

  test("that gets a No-Go in the middle ends RolledBack, proven back", async () => {
    const run = "cluster-goes-back";
    const played = await play(environment, { run, noGo: ["after-003"] });
    expect([endOf(played), played.cause]).toEqual(["RolledBack", expect.stringContaining("proven back")]);
    expect(await environment.production.versions()).toEqual(["1"]);
    expect(await environment.production.isOpen()).toBe(true);
    await expectNothingLeft(run);
  });

  test("whose rollback fails, and whose restore gets a No-Go, ends NeedsOperator", async () => {
    const run = "cluster-needs-operator";
    const played = await play(environment, { run, noGo: ["after-003", "restore"], atGate: inTheWay });
    expect(endOf(played)).toBe("NeedsOperator");
    expect(names()).toContain(INSTANCE);
  });

  test("whose rollback fails is restored from its clone, under the cluster's own name, with its readers", async () => {
    const run = "cluster-is-restored";
    const played = await play(environment, { run, noGo: ["after-003"], atGate: inTheWay });
    expect([endOf(played), played.cause]).toEqual(["Restored", expect.stringContaining("It is proven back")]);
    expect(await environment.production.versions()).toEqual(["1"]);
    expect(await environment.production.isOpen()).toBe(true);
    const aside = asideName(INSTANCE, run);
    expect(names()).toEqual(expect.arrayContaining([INSTANCE, aside]));
    // What was the clone is production now.
    expect(names()).not.toContain(snapshotName(run, "final"));
    expect(membersOf(INSTANCE)).toEqual([`${INSTANCE}-1`, `${INSTANCE}-2`]);
    expect(membersOf(aside)).toEqual([asideName(`${INSTANCE}-1`, run), asideName(`${INSTANCE}-2`, run)]);
    expect(JSON.parse(await fileOf(run, "handed-over.json")).handOver.join()).toContain("Reader");
    await expectNothingLeft(run);
  });

  test("whose rollback fails is restored to the moment behind the fence, with all that the application wrote before", async () => {
    const run = "cluster-to-the-moment";
    await environment.deployment.deploy({ backup: "point-in-time" });
    const application = await environment.production.keepWriting();
    const played = await play(environment, { run, noGo: ["after-003"], atGate: inTheWay });
    const written = await application.written;
    expect(written.length).toBeGreaterThan(0);
    expect([endOf(played), played.cause]).toEqual(["Restored", expect.stringContaining("It is proven back")]);
    expect(await environment.production.versions()).toEqual(["1"]);
    expect(await environment.production.notes("written %")).toEqual(written);
    const aside = asideName(INSTANCE, run);
    const asked = environment.front.calls.filter(({ Action }) => Action === "RestoreDBClusterToPointInTime");
    expect(asked.at(-1)).toMatchObject({
      SourceDBClusterIdentifier: aside,
      DBClusterIdentifier: INSTANCE,
      RestoreType: "full-copy",
      RestoreToTime: expect.stringMatching(/:\d\d(\.000)?Z$/),
    });
    // Nothing was taken within the downtime.
    expect(names()).not.toContain(snapshotName(run, "final"));
    expect(environment.front.clusters?.snapshots.has(snapshotName(run, "final"))).toBe(false);
    expect(membersOf(INSTANCE)).toEqual([`${INSTANCE}-1`, `${INSTANCE}-2`]);
    await expectNothingLeft(run);
  });

  test("with cluster snapshots instead of clones is restored, too", async () => {
    const run = "cluster-by-snapshots";
    await environment.deployment.deploy({
      backup: "snapshot",
      database: { ...environment.database, staging: "snapshot" },
    });
    const played = await play(environment, { run, noGo: ["after-003"], atGate: inTheWay });
    expect([endOf(played), played.cause]).toEqual(["Restored", expect.stringContaining("It is proven back")]);
    expect(await environment.production.versions()).toEqual(["1"]);
    expect(membersOf(INSTANCE)).toEqual([`${INSTANCE}-1`, `${INSTANCE}-2`]);
    expect([...(environment.front.clusters?.snapshots.keys() ?? [])]).toEqual([snapshotName(run, "final")]);
    await expectNothingLeft(run);
  });
});

const names = () => [...(environment.front.clusters?.clusters.keys() ?? [])].sort();

function membersOf(cluster: string): string[] {
  return [...(environment.front.clusters?.members ?? [])].flatMap(([id, of]) =>
    of.cluster === cluster ? [id] : [],
  );
}

async function fileOf(run: string, name: string): Promise<string> {
  const Key = `runs/${run}/${name}`;
  const found = await environment.s3.send(
    new GetObjectCommand({ Bucket: environment.outputs.EvidenceBucket, Key }),
  );
  return (await found.Body?.transformToString()) ?? "";
}

async function expectNothingLeft(run: string): Promise<void> {
  expect(names()).not.toContain(stagingName(run));
  expect(names()).not.toContain(snapshotName(run, "rehearsal"));
  expect(membersOf(stagingName(run))).toEqual([]);
  const outcome = JSON.parse(await fileOf(run, "outcome.json")) as { leftBehind: string[] };
  expect(outcome.leftBehind).toEqual([]);
}
