import { GetObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { asideName, snapshotName, stagingName } from "../../lambdas/shared/names.ts";
import { type Environment, makeEnvironment } from "./environment.ts";
import { type Played, play } from "./play.ts";
import { INSTANCE } from "./production.ts";

let environment: Environment;
beforeAll(async () => {
  environment = await makeEnvironment("multi-az");
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

describe("a run on a Multi-AZ DB cluster", () => {
  test("that gets its Goes ends Succeeded, staged by three instances that RDS made and removed", async () => {
    const run = "multi-az-succeeds";
    const played = await play(environment, { run });
    expect([endOf(played), played.cause]).toEqual(["SUCCEEDED", undefined]);
    expect(await environment.production.versions()).toEqual(["1", "2", "3"]);
    expect(await environment.production.isOpen()).toBe(true);
    const restore = environment.front.calls.find(({ Action }) => Action === "RestoreDBClusterFromSnapshot");
    expect(restore).toMatchObject({
      DBClusterIdentifier: stagingName(run),
      DBClusterInstanceClass: "db.r6gd.large",
      StorageType: "io2",
      Iops: "3000",
    });
    await expectNothingLeft(run);
  });

  test.each([
    ["to the moment", "point-in-time"],
    ["from its cluster snapshot", "snapshot"],
  ])("whose rollback fails is restored %s, under its own name", async (_, backup) => {
    const run = `multi-az-${backup}`;
    await environment.deployment.deploy({ backup });
    const before = membersOf(INSTANCE);
    const played = await play(environment, { run, noGo: ["after-003"], atGate: inTheWay });
    expect([endOf(played), played.cause]).toEqual(["Restored", expect.stringContaining("It is proven back")]);
    expect(await environment.production.versions()).toEqual(["1"]);
    expect(await environment.production.isOpen()).toBe(true);
    // The former one keeps its instances, under the names that RDS gave them.
    expect(membersOf(asideName(INSTANCE, run))).toEqual(before);
    expect(membersOf(INSTANCE)).toHaveLength(3);
    await expectNothingLeft(run);
  });
});

function membersOf(cluster: string): string[] {
  return [...(environment.front.clusters?.members ?? [])].flatMap(([id, of]) =>
    of.cluster === cluster ? [id] : [],
  );
}

async function expectNothingLeft(run: string): Promise<void> {
  const names = [...(environment.front.clusters?.clusters.keys() ?? [])];
  expect(names).not.toContain(stagingName(run));
  expect(environment.front.clusters?.snapshots.has(snapshotName(run, "rehearsal"))).toBe(false);
  expect(membersOf(stagingName(run))).toEqual([]);
  // RDS takes no call of its own for an instance of such a cluster.
  for (const action of ["CreateDBInstance", "ModifyDBInstance", "DeleteDBInstance"])
    expect(environment.front.calls.filter(({ Action }) => Action === action)).toEqual([]);
  const Key = `runs/${run}/outcome.json`;
  const found = await environment.s3.send(
    new GetObjectCommand({ Bucket: environment.outputs.EvidenceBucket, Key }),
  );
  const outcome = JSON.parse((await found.Body?.transformToString()) ?? "") as { leftBehind: string[] };
  expect(outcome.leftBehind).toEqual([]);
}
