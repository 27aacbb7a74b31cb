import {
  type DBInstance,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
} from "@aws-sdk/client-rds";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { RdsInstances } from "../../../lambdas/shared/aws/rds-instances.ts";
import { settingsOf } from "../../../lambdas/shared/aws/rds-settings.ts";
import type { PointInTime } from "../../../lambdas/shared/ports.ts";
import { awsError } from "../../support/aws-error.ts";
import { productionInstance } from "../../support/rds-instance.ts";

const rds = mockClient(RDSClient);
const { moments } = new RdsInstances(new RDSClient({ region: "eu-central-1" }), async () => undefined);
const like = JSON.parse(JSON.stringify(settingsOf(productionInstance)));
const oneZone = { ...like, multiAz: false };
const tags = { "sluice:run": "r" };
const AT = "2026-11-03T02:00:07.000Z";
const point: PointInTime = {
  name: "sluice-moment-final-0123456789ab",
  instance: "orders",
  aside: "orders-before-0123456789ab",
  identity: "db-PRODUCTION",
  moment: { at: AT, lsn: "0/1B3C5D8", timeline: 1 },
};

/** RDS with only these instances, by name. */
function knows(instances: Readonly<Record<string, Partial<DBInstance>>>) {
  rds.on(DescribeDBInstancesCommand).callsFake(({ DBInstanceIdentifier: name }) => {
    if (!instances[name]) throw awsError("DBInstanceNotFoundFault");
    return { DBInstances: [{ ...productionInstance, DBInstanceIdentifier: name, ...instances[name] }] };
  });
}
const until = (time: string) => ({ LatestRestorableTime: new Date(time) });
const requests = () =>
  rds.commandCalls(RestoreDBInstanceToPointInTimeCommand).map((call) => call.args[0].input);

beforeEach(() => {
  rds.reset();
  knows({ orders: until("2026-11-03T02:05:00Z") });
  rds.on(DescribeDBSnapshotsCommand).resolves({ DBSnapshots: [] });
});

describe("whether production can now be restored to the moment", () => {
  test.each([
    ["2026-11-03T02:00:08Z", "available"],
    // RDS takes times before the latest one.
    ["2026-11-03T02:00:07Z", "pending"],
    ["2026-11-03T01:55:00Z", "pending"],
  ])("with WAL sent away up to %s: %s", async (latest, status) => {
    knows({ orders: until(latest) });
    const state = await moments.describe(point);
    expect(state).toMatchObject({ status, until: new Date(latest).toISOString() });
    expect(state.statusText).toContain(new Date(latest).toISOString());
  });

  test("a moment before the oldest kept backup is never available", async () => {
    knows({ orders: { BackupRetentionPeriod: 1, ...until("2026-11-04T02:00:08Z") } });
    expect(await moments.describe(point)).toMatchObject({
      status: "failed",
      statusText: expect.stringMatching(/from 2026-11-03T02:00:08.*is too old.*kept for 1 days/),
    });
  });

  test("without automated backups no restore is possible, and the message shows since when", async () => {
    knows({ orders: { BackupRetentionPeriod: 0, LatestRestorableTime: undefined } });
    expect(await moments.describe(point)).toMatchObject({
      status: "failed",
      statusText: expect.stringContaining("deleted all of them"),
    });
  });

  test("if backups were turned off and on again meanwhile it is never available, even within their retention", async () => {
    rds.on(DescribeDBSnapshotsCommand).resolves({
      DBSnapshots: [{ Status: "available", SnapshotCreateTime: new Date("2026-11-03T02:03:00Z") }],
    });
    expect(await moments.describe(point)).toMatchObject({
      status: "failed",
      statusText: expect.stringMatching(
        /oldest .* is of 2026-11-03T02:03:00.000Z, after 2026-11-03T02:00:07/,
      ),
    });
  });

  test("before the first backup the answer is to wait", async () => {
    knows({ orders: { LatestRestorableTime: undefined } });
    expect(await moments.describe(point)).toMatchObject({ status: "pending" });
  });

  test("the answer is for the instance itself, whatever has its name now", async () => {
    knows({
      orders: { DbiResourceId: "db-RESTORED", LatestRestorableTime: undefined },
      [point.aside]: until("2026-11-03T02:05:00Z"),
    });
    const state = await moments.describe(point);
    expect(state).toMatchObject({ status: "available", statusText: expect.stringContaining(point.aside) });
  });

  test("while it is between its names the answer is to wait, and the identity is named", async () => {
    knows({});
    expect(await moments.describe(point)).toMatchObject({
      status: "pending",
      statusText: expect.stringContaining("db-PRODUCTION"),
    });
  });

  test("the base backup is the newest one before it, and nothing fails if it is not visible", async () => {
    const made = (time: string, Status = "available") => ({ Status, SnapshotCreateTime: new Date(time) });
    rds.on(DescribeDBSnapshotsCommand).resolves({
      DBSnapshots: [
        made("2026-11-02T01:10:00Z"),
        made("2026-11-03T01:10:00Z"),
        made("2026-11-03T01:50:00Z", "creating"),
        made("2026-11-03T02:01:00Z"),
      ],
    });
    expect((await moments.describe(point)).baseAt).toBe("2026-11-03T01:10:00.000Z");
    expect(await moments.baseAt("orders")).toBe("2026-11-03T02:01:00.000Z");
    expect(rds.commandCalls(DescribeDBSnapshotsCommand)[0]?.args[0].input).toEqual({
      DBInstanceIdentifier: "orders",
      SnapshotType: "automated",
    });
    rds.on(DescribeDBSnapshotsCommand).rejects(awsError("AccessDeniedException"));
    expect(await moments.baseAt("orders")).toBeUndefined();
    expect(await moments.describe(point)).toMatchObject({ status: "available", baseAt: undefined });
  });
});

describe("a restore to the moment", () => {
  test.each(["staging", "production"] as const)(
    "%s gets the same request as a restore from a snapshot, in the same words",
    async (purpose) => {
      rds.on(RestoreDBInstanceToPointInTimeCommand).resolves({});
      rds.on(RestoreDBInstanceFromDBSnapshotCommand).resolves({});
      await moments.startRestore(point, "new", like, purpose, tags);
      await new RdsInstances(new RDSClient({ region: "eu-central-1" }), async () => undefined).startRestore(
        "s",
        "new",
        like,
        purpose,
        tags,
      );
      const [fromSnapshot] = rds.commandCalls(RestoreDBInstanceFromDBSnapshotCommand);
      const { DBInstanceIdentifier, DBSnapshotIdentifier, ...same } = fromSnapshot?.args[0].input ?? {};
      expect(requests()).toEqual([
        {
          ...same,
          SourceDBInstanceIdentifier: "orders",
          TargetDBInstanceIdentifier: DBInstanceIdentifier,
          RestoreTime: new Date(AT),
        },
      ]);
      expect(DBSnapshotIdentifier).toBe("s");
    },
  );

  test("after production was moved aside, it is restored from there", async () => {
    knows({ [point.aside]: until("2026-11-03T02:05:00Z") });
    rds.on(RestoreDBInstanceToPointInTimeCommand).resolves({});
    expect(await moments.startRestore(point, "orders", like, "production", tags)).toBeUndefined();
    expect(requests()[0]).toMatchObject({
      SourceDBInstanceIdentifier: point.aside,
      TargetDBInstanceIdentifier: "orders",
    });
  });

  test("another instance that now has production's name is never its source", async () => {
    knows({ orders: { DbiResourceId: "db-ANOTHER" } });
    await expect(moments.startRestore(point, "orders", like, "production", tags)).rejects.toThrow(
      /instance with the resource id db-PRODUCTION no longer exists.*retained automated backups/,
    );
    expect(requests()).toEqual([]);
  });

  test("begun twice it is begun once", async () => {
    rds.on(RestoreDBInstanceToPointInTimeCommand).rejects(awsError("DBInstanceAlreadyExistsFault"));
    expect(await moments.startRestore(point, "orders", like, "production", tags)).toBeUndefined();
  });

  test("while RDS is busy with its source nothing is refused: the loop requests it again", async () => {
    rds.on(RestoreDBInstanceToPointInTimeCommand).rejects(awsError("InvalidDBInstanceStateFault"));
    expect(await moments.startRestore(point, "orders", like, "production", tags)).toBeUndefined();
  });

  test("a moment past the WAL sent away is waited for, and no setting is left out for it", async () => {
    const message = "The specified instance cannot be restored to a time later than 2026-11-03T01:59:58Z.";
    rds.on(RestoreDBInstanceToPointInTimeCommand).rejects(awsError("InvalidParameterValue", { message }));
    expect(await moments.startRestore(point, "orders", like, "production", tags)).toEqual({
      waits: { why: expect.stringContaining("later than 2026-11-03T01:59:58Z") },
      without: [],
    });
    expect(requests()).toHaveLength(1);
  });

  test("a moment that is no longer kept is final, and no setting is left out for it", async () => {
    const message =
      "The specified instance cannot be restored to a time earlier than 2026-11-03T12:59:32Z because its backup retention period is set to 1 days.";
    rds.on(RestoreDBInstanceToPointInTimeCommand).rejects(awsError("InvalidParameterValue", { message }));
    await expect(moments.startRestore(point, "orders", like, "production", tags)).rejects.toMatchObject({
      name: "FleetFailed",
      message: expect.stringMatching(/restore orders at 2026-11-03T02:00:07.000Z as orders: .*retention/),
    });
    expect(requests()).toHaveLength(1);
  });

  test.each([
    ["PointInTimeRestoreNotEnabledFault", /BackupRetentionPeriod 0/],
    ["DBInstanceAutomatedBackupNotFoundFault", /only be restored from a snapshot/],
    ["InvalidRestoreFault", /subnet group/],
    ["InvalidVPCNetworkStateFault", /InvalidVPCNetworkState/],
    ["AccessDenied", /Deploy the stack again/],
  ])("%s is final, and is reported with the remedy", async (name, mend) => {
    rds.on(RestoreDBInstanceToPointInTimeCommand).rejects(awsError(name));
    await expect(moments.startRestore(point, "orders", like, "production", tags)).rejects.toMatchObject({
      name: "FleetFailed",
      message: expect.stringMatching(mend),
    });
    expect(requests()).toHaveLength(1);
  });

  test("it waits if AWS has no room, and is later requested in any zone", async () => {
    rds
      .on(RestoreDBInstanceToPointInTimeCommand)
      .rejectsOnce(awsError("InsufficientDBInstanceCapacityFault"))
      .resolves({});
    expect(await moments.startRestore(point, "i", oneZone, "staging", tags)).toMatchObject({
      waits: { why: expect.stringContaining("InsufficientDBInstanceCapacity") },
    });
    await moments.startRestore(point, "i", oneZone, "staging", tags, true);
    expect(requests().map(({ AvailabilityZone }) => AvailabilityZone)).toEqual(["eu-central-1a", undefined]);
  });

  test("a refused setting that is not data is left out, as from a snapshot", async () => {
    rds
      .on(RestoreDBInstanceToPointInTimeCommand)
      .rejectsOnce(awsError("OptionGroupNotFoundFault"))
      .resolves({});
    const begun = await moments.startRestore(point, "orders", like, "production", tags);
    expect(begun?.without).toEqual([expect.stringContaining("the option group")]);
    expect(requests()[1]?.OptionGroupName).toBeUndefined();
  });
});

test("nothing is held for a moment, so nothing is released", async () => {
  expect(moments.by).toBe("archive");
  expect(await moments.hold(point, tags)).toBe(true);
  await moments.release(point);
  expect(rds.calls()).toEqual([]);
});
