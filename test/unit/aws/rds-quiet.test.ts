import {
  CreateDBParameterGroupCommand,
  DeleteDBParameterGroupCommand,
  DescribeDBInstancesCommand,
  DescribeDBParameterGroupsCommand,
  DescribeDBParametersCommand,
  ModifyDBInstanceCommand,
  ModifyDBParameterGroupCommand,
  type Parameter,
  RDSClient,
  RebootDBInstanceCommand,
} from "@aws-sdk/client-rds";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { RdsInstances } from "../../../lambdas/shared/aws/rds-instances.ts";
import { quieted } from "../../../lambdas/shared/aws/rds-quiet.ts";
import { settingsOf } from "../../../lambdas/shared/aws/rds-settings.ts";
import { awsError } from "../../support/aws-error.ts";
import { productionInstance } from "../../support/rds-instance.ts";

const GROUP = "sluice-quiet-0123456789ab";
const rds = mockClient(RDSClient);
const instances = new RdsInstances(new RDSClient({ region: "eu-central-1" }), async () => undefined);
const like = settingsOf(productionInstance);
const TAGS = { "sluice:run": "r", "sluice:purpose": "staging" };

const user = (ParameterName: string, ParameterValue: string, more: Partial<Parameter> = {}): Parameter => ({
  ParameterName,
  ParameterValue,
  Source: "user",
  IsModifiable: true,
  ApplyType: "dynamic",
  ...more,
});
const own = (name: string, value: string | undefined, more: Partial<Parameter> = {}): Parameter => ({
  ...user(name, value ?? "", more),
  ParameterValue: value,
  Source: "engine-default",
});

const PRODUCTION: Parameter[] = [
  user("work_mem", "65536"),
  user("shared_preload_libraries", "pg_stat_statements,pg_cron,pg_partman_bgw", { ApplyType: "static" }),
  user("rds.extensions", "fixed", { IsModifiable: false }),
  own("max_logical_replication_workers", undefined, { ApplyType: "static" }),
  own("cron.launch_active_jobs", "on", { AllowedValues: "on,off" }),
  own("max_connections", "LEAST({DBInstanceClassMemory/9531392},5000)"),
];

/** RDS with production's group, and ours once it is made. */
function environment(production = PRODUCTION, family = "postgres17") {
  const groups = new Map<string, Parameter[]>([["orders-17", production]]);
  rds.on(DescribeDBParameterGroupsCommand).callsFake(({ DBParameterGroupName: name }) => {
    if (!groups.has(name)) throw awsError("DBParameterGroupNotFoundFault");
    return { DBParameterGroups: [{ DBParameterGroupName: name, DBParameterGroupFamily: family }] };
  });
  rds.on(CreateDBParameterGroupCommand).callsFake(({ DBParameterGroupName: name }) => {
    groups.set(name, []);
    return {};
  });
  // In pages, as RDS sends them.
  rds.on(DescribeDBParametersCommand).callsFake(({ DBParameterGroupName: name, Marker }) => {
    const all = groups.get(name) ?? [];
    return Marker === undefined && all.length > 1
      ? { Parameters: all.slice(0, 1), Marker: "more" }
      : { Parameters: Marker === undefined ? all : all.slice(1) };
  });
  rds.on(ModifyDBParameterGroupCommand).callsFake(({ DBParameterGroupName: name, Parameters }) => {
    if (Parameters.length > 20) throw awsError("InvalidParameterValue");
    groups.set(name, [
      ...(groups.get(name) ?? []),
      ...Parameters.map((one: Parameter) => ({ ...one, Source: "user" })),
    ]);
    return {};
  });
  return groups;
}

const sent = (command: Parameters<typeof rds.commandCalls>[0]) =>
  rds.commandCalls(command).map(({ args }) => args[0].input as unknown as Record<string, unknown>);

beforeEach(() => rds.reset());

describe("a run's parameter group", () => {
  test("is of production's family, tagged, and used only when RDS shows all of its values", async () => {
    environment();
    expect(await instances.quiet(GROUP, like, TAGS)).toBeUndefined();
    expect(sent(CreateDBParameterGroupCommand)).toEqual([
      expect.objectContaining({
        DBParameterGroupName: GROUP,
        DBParameterGroupFamily: "postgres17",
        Tags: [
          { Key: "sluice:run", Value: "r" },
          { Key: "sluice:purpose", Value: "staging" },
        ],
      }),
    ]);
    expect(await instances.quiet(GROUP, like, TAGS)).toBeUndefined();
    expect(await instances.quiet(GROUP, like, TAGS)).toEqual({ ...like, parameterGroup: GROUP });
    expect(sent(ModifyDBParameterGroupCommand)).toHaveLength(1);
  });

  test("has the values that somebody set in production's, and keeps subscriptions, jobs and acting libraries still", () => {
    expect(quieted(PRODUCTION, true)).toEqual([
      { ParameterName: "work_mem", ParameterValue: "65536", ApplyMethod: "immediate" },
      {
        ParameterName: "shared_preload_libraries",
        ParameterValue: "pg_stat_statements,pg_cron",
        ApplyMethod: "pending-reboot",
      },
      {
        ParameterName: "max_logical_replication_workers",
        ParameterValue: "0",
        ApplyMethod: "pending-reboot",
      },
      { ParameterName: "cron.launch_active_jobs", ParameterValue: "off", ApplyMethod: "immediate" },
    ]);
  });

  test("leaves pg_cron out if the family has no switch for its jobs", () => {
    const without = PRODUCTION.filter(({ ParameterName }) => ParameterName !== "cron.launch_active_jobs");
    expect(quieted(without, true)).toContainEqual(
      expect.objectContaining({
        ParameterName: "shared_preload_libraries",
        ParameterValue: "pg_stat_statements",
      }),
    );
  });

  test("overrides what production itself sets", () => {
    const busy = [
      ...PRODUCTION.slice(0, 3),
      user("max_logical_replication_workers", "8", { ApplyType: "static" }),
    ];
    expect(quieted(busy, true)).toContainEqual(
      expect.objectContaining({ ParameterName: "max_logical_replication_workers", ParameterValue: "0" }),
    );
  });

  test("takes many values twenty at a time", async () => {
    const many = Array.from({ length: 45 }, (_, n) => user(`parameter_${n}`, String(n)));
    environment([...many, ...PRODUCTION]);
    while (!(await instances.quiet(GROUP, like, TAGS)));
    expect(sent(ModifyDBParameterGroupCommand).map(({ Parameters }) => (Parameters as []).length)).toEqual([
      20, 20, 9,
    ]);
  });

  test("can be made from a default group that RDS does not list", async () => {
    const groups = environment();
    groups.delete("orders-17");
    rds
      .on(DescribeDBParametersCommand, { DBParameterGroupName: "default.postgres17" })
      .rejects(awsError("DBParameterGroupNotFoundFault"));
    const from = { ...like, parameterGroup: "default.postgres17" };
    while (!(await instances.quiet(GROUP, from, TAGS)));
    expect(sent(CreateDBParameterGroupCommand)[0]).toMatchObject({ DBParameterGroupFamily: "postgres17" });
  });

  test("cannot be made from a missing group, and the message shows what to do", async () => {
    environment().clear();
    await expect(instances.quiet(GROUP, like, TAGS)).rejects.toThrow(
      "The parameter group orders-17 that production uses does not exist",
    );
  });

  test("is deleted when nobody uses it, and only if it is Sluice's own", async () => {
    rds
      .on(DeleteDBParameterGroupCommand)
      .rejectsOnce(awsError("InvalidDBParameterGroupStateFault"))
      .resolvesOnce({})
      .rejects(awsError("DBParameterGroupNotFoundFault"));
    expect(await instances.deleteQuiet(GROUP)).toBe(false);
    expect(await instances.deleteQuiet(GROUP)).toBe(true);
    expect(await instances.deleteQuiet(GROUP)).toBe(true);
    await expect(instances.deleteQuiet("orders-17")).rejects.toThrow("Sluice does not delete it");
  });
});

describe("an instance that was moved aside", () => {
  const stands = (
    DBParameterGroupName: string,
    ParameterApplyStatus: string,
    DBInstanceStatus = "available",
  ) =>
    rds.on(DescribeDBInstancesCommand).resolves({
      DBInstances: [
        {
          ...productionInstance,
          DBInstanceStatus,
          DBParameterGroups: [{ DBParameterGroupName, ParameterApplyStatus }],
        },
      ],
    });

  test("gets the group, is rebooted for static parameters, and only then counts as still", async () => {
    stands("orders-17", "in-sync");
    expect(await instances.quieten("orders-before-1", GROUP)).toBe(false);
    expect(sent(ModifyDBInstanceCommand)).toEqual([
      { DBInstanceIdentifier: "orders-before-1", DBParameterGroupName: GROUP, ApplyImmediately: true },
    ]);
    stands(GROUP, "applying");
    expect(await instances.quieten("orders-before-1", GROUP)).toBe(false);
    expect(sent(RebootDBInstanceCommand)).toEqual([]);
    stands(GROUP, "pending-reboot");
    expect(await instances.quieten("orders-before-1", GROUP)).toBe(false);
    expect(sent(RebootDBInstanceCommand)).toEqual([{ DBInstanceIdentifier: "orders-before-1" }]);
    stands(GROUP, "in-sync", "rebooting");
    expect(await instances.quieten("orders-before-1", GROUP)).toBe(false);
    stands(GROUP, "in-sync");
    expect(await instances.quieten("orders-before-1", GROUP)).toBe(true);
  });
});
