import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  ModifyDBInstanceCommand,
} from "@aws-sdk/client-rds";
import { GetObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { PreflightDoc } from "../../lambdas/shared/documents.ts";
import { asidePrefix, type SnapshotPurpose, snapshotName, stagingName } from "../../lambdas/shared/names.ts";
import { eventually } from "./command.ts";
import { type Environment, makeEnvironment } from "./environment.ts";
import { writePlan } from "./plans.ts";
import { follow, type Played, play } from "./play.ts";
import { DATABASE, INSTANCE } from "./production.ts";
import { refused } from "./rds-answers.ts";
import { PERCENT } from "./rds-front.ts";

let environment: Environment;
beforeAll(async () => {
  environment = await makeEnvironment();
});
afterAll(() => environment?.close());

describe("the deployment", () => {
  test("shows what to do next", () => {
    const { outputs } = environment;
    expect(outputs.Todo3Start).toContain(`/statemachines/view/${outputs.StateMachineArn}`);
    expect(JSON.parse(outputs.Todo4Input ?? "")).toEqual({ startedBy: "your name", reason: "why" });
  });

  test("changes nothing when it is repeated, and then shows no difference", async () => {
    expect(await environment.deployment.deploy()).toEqual(environment.outputs);
    await environment.deployment.diff();
  });
});

describe("a run", () => {
  beforeEach(() => environment.production.reset());

  test("that gets its Goes ends Succeeded, with every migration on production and the application in", async () => {
    const run = "goes-well";
    const played = await play(environment, { run });
    expect(endOf(played)).toBe("SUCCEEDED");
    expect(played.gates).toEqual(["readiness", "rehearsal", "after-002", "after-003", "open"]);
    expect(await environment.production.versions()).toEqual(["1", "2", "3"]);
    expect(await fileOf(run, "report.html")).toContain("Notes have labels");
    expect(await environment.production.isOpen()).toBe(true);
    await expectNothingLeft(run);
    expect(JSON.parse(await fileOf(run, "aftercare.json"))).toMatchObject({ watch: { everyMinutes: 5 } });

    const restore = environment.front.calls.find(
      ({ Action }) => Action === "RestoreDBInstanceFromDBSnapshot",
    );
    expect(restore).toMatchObject({
      DBInstanceIdentifier: stagingName(run),
      DBSnapshotIdentifier: snapshotName(run, "rehearsal"),
      "VpcSecurityGroupIds.VpcSecurityGroupId.1": "sg-0123456789abcdef0",
      PubliclyAccessible: "false",
      DeletionProtection: "false",
      "Tags.Tag.2.Key": "sluice:run",
      "Tags.Tag.2.Value": run,
    });
    // As the settings want, and as RDS describes a copy that is in use before its volume is filled.
    expect(Object.values(restore ?? {})).toContain("cost-center");
    expect(JSON.parse(await fileOf(run, "staging.json"))).toMatchObject({
      storage: { doing: "Initializing", percent: PERCENT },
    });
    const { checks } = JSON.parse(await fileOf(run, "preflight.json")) as PreflightDoc;
    expect(checks.map(({ name }) => name)).toEqual(expect.arrayContaining(["restore of production", "tags"]));
    // Behind the fence nothing was waited for: the moment was noted, and no snapshot taken.
    expect(checks.find(({ name }) => name === "backup")).toMatchObject({
      passed: true,
      seen: expect.stringMatching(/to the moment: .*kept for 7 days.*newest base backup/),
    });
    expect(await takesSnapshot(run, "final")).toBe(false);
    for (const text of [...(await evidenceOf(run)), ...played.history])
      expect(text).not.toContain(environment.production.owner.password);
  });

  test("that gets a No-Go for production ends Refused, and production was not touched", async () => {
    const run = "not-wanted";
    const played = await play(environment, { run, noGo: ["rehearsal"] });
    expect(endOf(played)).toBe("Refused");
    expect(played.cause).toContain("Production was not touched");
    expect(played.states).not.toContain("Fence production");
    expect(await environment.production.versions()).toEqual(["1"]);
    await expectNothingLeft(run);
  });

  test("of a database that the deployment does not have ends Refused, with those that it has", async () => {
    const execution = await environment.runs.start("of-another", { startedBy: "Ada", database: "another" });
    const ended = await environment.runs.end(execution);
    expect(ended.error).toBe("Refused");
    expect(ended.cause).toContain(`${INSTANCE}/${DATABASE}`);
  });

  test("that is under way when other settings are deployed keeps its own, and the next one has those", async () => {
    const contacts = [{ role: "Newcomer", name: "Alan Turing" }];
    const played = await play(environment, {
      run: "keeps-its-settings",
      noGo: ["rehearsal"],
      atGate: {
        readiness: async () => {
          await environment.deployment.deploy({ contacts });
          return true;
        },
      },
    });
    expect(endOf(played)).toBe("Refused");
    await expectNothingLeft("keeps-its-settings");
    await play(environment, { run: "has-the-new-ones", noGo: ["readiness"] });
    const names = (run: string, gate: string) =>
      environment.people.messages.some(
        ({ text }) => text.includes(`/gates/${run}/${gate}/`) && text.includes("Alan Turing"),
      );
    expect(names("keeps-its-settings", "rehearsal")).toBe(false);
    expect(names("has-the-new-ones", "readiness")).toBe(true);
  });

  test("that gets a No-Go in the middle ends RolledBack, proven back", async () => {
    const run = "goes-back";
    const played = await play(environment, { run, noGo: ["after-003"] });
    expect(endOf(played)).toBe("RolledBack");
    expect(played.cause).toContain("003 and 002 were rolled back and proven back");
    expect(await environment.production.versions()).toEqual(["1"]);
    expect(await environment.production.isOpen()).toBe(true);
    await expectNothingLeft(run);

    // To EventBridge a failed end is a failed execution like any other.
    const cleanUp = await environment.cleanUps.end(await environment.cleanUps.about(run));
    expect(cleanUp.states.at(-1)).toBe("Nothing to clean up");
    expect(environment.people.messages.filter(({ subject }) => subject.includes("clean-up started"))).toEqual(
      [],
    );
  });

  test("whose rollback fails is restored to the moment behind the fence, under production's own name, and proven back", async () => {
    const run = "is-restored";
    // The application writes until it is kept out, and all of that must be there again.
    const application = await environment.production.keepWriting();
    // Requested before the WAL was sent that far; and AWS has no room for it at first.
    environment.front.backups.walEverySeconds = 20;
    onTestFinished(() => {
      environment.front.backups.walEverySeconds = 2;
    });
    environment.front.refuseNext = ({ Action, TargetDBInstanceIdentifier }) =>
      Action === TO_A_MOMENT && TargetDBInstanceIdentifier === INSTANCE
        ? refused("InsufficientDBInstanceCapacity", "none left")
        : undefined;
    const played = await play(environment, {
      run,
      noGo: ["after-003"],
      atGate: { "after-003": getInTheWay },
    });
    const written = await application.written;
    expect(written.length).toBeGreaterThan(0);
    expect([endOf(played), played.cause]).toEqual(["Restored", expect.stringContaining("It is proven back")]);
    expect(played.gates.at(-1)).toBe("restore");
    expect(environment.front.refuseNext).toBeUndefined();
    // It is proven before it has its settings; and people get a list of what is left to do.
    const states = [
      "Wait for the backup",
      "Restore production",
      "Prove production restored",
      "Give production its settings",
    ];
    expect(played.states.filter((state) => states.includes(state)).filter(unlike)).toEqual(states);
    expect(JSON.parse(await fileOf(run, "handed-over.json")).handOver.join()).toContain("point in time");
    expect(await environment.production.versions()).toEqual(["1"]);
    expect(await environment.production.notes("written %")).toEqual(written);
    const [former = ""] = (await instances()).filter((name) => name.startsWith(asidePrefix(INSTANCE)));
    expect(await instances()).toEqual([INSTANCE, former]);
    expect(environment.front.calls.filter(({ Action }) => Action === TO_A_MOMENT).at(-1)).toMatchObject({
      SourceDBInstanceIdentifier: former,
      TargetDBInstanceIdentifier: INSTANCE,
      RestoreTime: expect.stringMatching(/:\d\d(\.000)?Z$/),
      "VpcSecurityGroupIds.VpcSecurityGroupId.1": "sg-0123456789abcdef0",
    });
    expect(await takesSnapshot(run, "final")).toBe(false);
    expect(await environment.production.isOpen()).toBe(true);
    await expectNothingLeft(run);
  });

  test("that is stopped between the rename and the restore is restored all the same", async () => {
    const run = "stopped-when-renamed";
    const execution = await environment.runs.start(run, { startedBy: "Ada" });
    let stopped: Promise<void> | undefined;
    environment.front.refuseNext = ({ Action, TargetDBInstanceIdentifier }) => {
      if (Action !== TO_A_MOMENT || TargetDBInstanceIdentifier !== INSTANCE) return undefined;
      stopped = environment.runs.stop(execution);
      return refused("InsufficientDBInstanceCapacity", "none left");
    };
    const first = await follow(environment, environment.runs, execution, {
      run,
      noGo: ["after-003"],
      atGate: { "after-003": getInTheWay },
    });
    await stopped;
    expect(endOf(first)).toBe("ABORTED");
    const cleanUp = await follow(environment, environment.cleanUps, await environment.cleanUps.about(run), {
      run,
    });
    expect([endOf(cleanUp), cleanUp.cause]).toEqual([
      "Restored",
      expect.stringContaining("It is proven back"),
    ]);
    expect(await environment.production.versions()).toEqual(["1"]);
    expect(await environment.production.isOpen()).toBe(true);
    await expectNothingLeft(run);
  });

  test("whose backups are turned off meanwhile keeps production in place: a person is called", async () => {
    const run = "without-backups";
    const keep = (days: number) =>
      environment.rds.send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: INSTANCE,
          BackupRetentionPeriod: days,
          ApplyImmediately: true,
        }),
      );
    const played = await play(environment, {
      run,
      noGo: ["after-003"],
      atGate: {
        "after-003": async () => {
          await keep(0);
          return await getInTheWay();
        },
      },
    });
    expect(endOf(played)).toBe("NeedsOperator");
    expect(played.cause).toMatch(/BackupRetentionPeriod 0.*Production stays where it is/);
    expect((await instances()).includes(INSTANCE)).toBe(true);
    expect(played.states).not.toContain("Restore production");
    await keep(7);
    await environment.front.backUp(INSTANCE);
  });

  test("whose plan wants a snapshot is restored from it", async () => {
    const parent = mkdtempSync(join(tmpdir(), "sluice-e2e-plans-"));
    onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
    const printed = await environment.deployment.publish(
      writePlan({
        ...{ parent, title: "Labels by a snapshot", from: "1", folders: ["002_notes", "003_labels"] },
        ...{ asks: true, backup: "snapshot" },
      }),
    );
    const run = "from-its-snapshot";
    const input = { plan: /"plan":"(\w{12})"/.exec(printed)?.[1] };
    const played = await play(environment, {
      run,
      input,
      noGo: ["after-003"],
      atGate: { "after-003": getInTheWay },
    });
    expect([endOf(played), played.cause]).toEqual(["Restored", expect.stringContaining("It is proven back")]);
    expect(await takesSnapshot(run, "final")).toBe(true);
    const restore = environment.front.calls.find(
      ({ Action, DBInstanceIdentifier }) =>
        Action === "RestoreDBInstanceFromDBSnapshot" && DBInstanceIdentifier === INSTANCE,
    );
    expect(restore).toMatchObject({ DBSnapshotIdentifier: snapshotName(run, "final") });
    expect(await environment.production.versions()).toEqual(["1"]);
    expect(await environment.production.isOpen()).toBe(true);
    await expectNothingLeft(run);
  });
});

describe("plans that are published", () => {
  beforeAll(() => environment.production.reset());

  test("run one after the other with no deployment in between, and one of sixty migrations too", async () => {
    const parent = mkdtempSync(join(tmpdir(), "sluice-e2e-plans-"));
    onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
    const sixty = Array.from({ length: 60 }, (_, index) => `${String(index + 4).padStart(3, "0")}_column`);
    const plans = [
      { title: "Authors alone", from: "1", folders: ["002_notes"], asks: true },
      { title: "Labels after them", from: "2", folders: ["003_labels"], asks: true },
      { title: "Sixty columns", from: "3", folders: sixty, asks: false },
    ];
    for (const plan of plans) {
      const printed = await environment.deployment.publish(writePlan({ parent, ...plan }));
      const checksum = /"plan":"(\w{12})"/.exec(printed)?.[1];
      const run = `published-${plan.from}`;
      const played = await play(environment, { run, input: { plan: checksum }, seconds: 900 });
      expect(endOf(played)).toBe("SUCCEEDED");
      const after = plan.asks ? plan.folders.map((folder) => `after-${folder.slice(0, 3)}`) : [];
      expect(played.gates).toEqual(["readiness", "rehearsal", ...after, "open"]);
      expect(await fileOf(run, "report.html")).toContain(plan.title);
      await expectNothingLeft(run);
    }
    const versions = await environment.production.versions();
    expect(versions.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 63 }, (_, n) => n + 1));
  });
});

describe("a run that somebody stops in the console", () => {
  beforeEach(() => environment.production.reset());

  test("while a gate is open is brought back, people get a message, and the next run may begin", async () => {
    const run = "stopped-at-a-gate";
    const { first, cleanUp } = await playAndStop(run, "after-003", async () => undefined);
    expect(endOf(first)).toBe("ABORTED");
    expect(endOf(cleanUp)).toBe("RolledBack");
    expect(cleanUp.cause).toContain("was stopped from outside (ABORTED)");
    expect(cleanUp.cause).toContain("003 and 002 were rolled back and proven back");
    expect(await environment.production.versions()).toEqual(["1"]);
    expect(await environment.production.isOpen()).toBe(true);
    await expectNothingLeft(run);
    const subjects = environment.people.messages
      .filter(({ text }) => text.includes(run))
      .map((m) => m.subject);
    expect(subjects).toEqual(
      expect.arrayContaining([expect.stringContaining("run stopped; clean-up started")]),
    );
    const next = await play(environment, { run: "after-it", noGo: ["readiness"] });
    expect(endOf(next)).toBe("Refused");
  });

  test("while a statement runs on production: the statement is ended first, and the changes before it are undone", async () => {
    const run = "stopped-in-a-statement";
    // An index build waits for every transaction that is older than it.
    const older = await environment.production.openTransaction();
    try {
      const { cleanUp } = await playAndStop(run, "rehearsal", async () => {
        await eventually(
          () => environment.production.isRunning("CREATE INDEX CONCURRENTLY"),
          "the index build on production",
        );
      });
      expect(endOf(cleanUp)).toBe("RolledBack");
      expect(cleanUp.states).toContain("Roll back");
      expect(await environment.production.isRunning("CREATE INDEX CONCURRENTLY")).toBe(false);
      expect(await environment.production.versions()).toEqual(["1"]);
      await expectNothingLeft(run);
    } finally {
      await older.close();
    }
  });

  test("before production was touched leaves nothing behind either", async () => {
    const run = "stopped-early";
    const { cleanUp } = await playAndStop(run, "rehearsal", async () => undefined, false);
    expect(endOf(cleanUp)).toBe("Refused");
    expect(await environment.production.versions()).toEqual(["1"]);
    await expectNothingLeft(run);
  });
});

/** Plays up to that gate, answers it if `answered`, waits for `when`, stops the execution, and follows the clean-up. */
async function playAndStop(
  run: string,
  gate: string,
  when: () => Promise<void>,
  answered = gate === "rehearsal",
): Promise<{ first: Played; cleanUp: Played }> {
  const { runs, cleanUps } = environment;
  const execution = await runs.start(run, { startedBy: "Ada" });
  const stop = async () => {
    await when();
    await runs.stop(execution);
  };
  let stopped: Promise<void> | undefined;
  const first = await follow(environment, runs, execution, {
    run,
    atGate: {
      [gate]: async () => {
        stopped = stop();
        return answered;
      },
    },
  });
  await stopped;
  const cleanUp = await follow(environment, cleanUps, await cleanUps.about(run), { run });
  return { first, cleanUp };
}

const TO_A_MOMENT = "RestoreDBInstanceToPointInTime";

/** Another object uses the new table, so that it cannot be dropped. */
async function getInTheWay(): Promise<boolean> {
  await environment.production.asSuperuser("CREATE VIEW in_the_way AS SELECT * FROM label");
  return true;
}

async function takesSnapshot(run: string, purpose: SnapshotPurpose): Promise<boolean> {
  const id = snapshotName(run, purpose);
  return environment.front.calls.some(
    ({ Action, DBSnapshotIdentifier }) => Action === "CreateDBSnapshot" && DBSnapshotIdentifier === id,
  );
}

/** Returns each state once, also if it was entered repeatedly. */
const unlike = (state: string, at: number, all: string[]) => all[at - 1] !== state;

const endOf = ({ status, error, failures }: Played): string =>
  status === "FAILED" && error === undefined ? failures.join("\n") : (error ?? status);

async function instances(): Promise<string[]> {
  const { DBInstances = [] } = await environment.rds.send(new DescribeDBInstancesCommand({}));
  return DBInstances.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier ?? "").sort();
}

async function expectNothingLeft(run: string): Promise<void> {
  expect(await instances()).not.toContain(stagingName(run));
  expect([...environment.front.ports.keys()]).not.toContain(stagingName(run));
  const { DBSnapshots = [] } = await environment.rds.send(new DescribeDBSnapshotsCommand({}));
  const snapshots = DBSnapshots.map(({ DBSnapshotIdentifier }) => DBSnapshotIdentifier);
  expect(snapshots).not.toContain(snapshotName(run, "rehearsal"));
  const outcome = JSON.parse(await fileOf(run, "outcome.json")) as { leftBehind: string[] };
  expect(outcome.leftBehind).toEqual([]);
  const lease = await objectAt(`leases/${INSTANCE}.json`);
  expect(JSON.parse(lease)).toEqual({ holder: null });
}

async function objectAt(Key: string): Promise<string> {
  const found = await environment.s3.send(
    new GetObjectCommand({ Bucket: environment.outputs.EvidenceBucket, Key }),
  );
  return (await found.Body?.transformToString()) ?? "";
}

const fileOf = (run: string, name: string) => objectAt(`runs/${run}/${name}`);

async function evidenceOf(run: string): Promise<string[]> {
  const { Contents = [] } = await environment.s3.send(
    new ListObjectsV2Command({ Bucket: environment.outputs.EvidenceBucket, Prefix: `runs/${run}/` }),
  );
  expect(Contents.length).toBeGreaterThan(50);
  return await Promise.all(Contents.map(({ Key }) => objectAt(Key ?? "")));
}
