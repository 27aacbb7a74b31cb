import { Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { type Role, rolesOf } from "../support/roles.ts";
import { fullSettings, makeApp } from "../support/stack.ts";

const arn = (resource: string, name: string) => `arn:aws:rds:eu-central-1:123456789012:${resource}:${name}`;
const PRODUCTION = arn("db", "orders-production");

const TO_A_MOMENT = "rds:RestoreDBInstanceToPointInTime";

/**
 * All actions of RDS on an instance, except reading, copying and tagging. A restore to a moment is separate: its
 * resource may be the source instance or the new one.
 */
const CHANGES = [
  "AddRoleToDBInstance",
  "ModifyDBInstance",
  "PromoteReadReplica",
  "RebootDBInstance",
  "RemoveRoleFromDBInstance",
  "RestoreDBInstanceFromDBSnapshot",
  "StartDBInstance",
  "StopDBInstance",
].map((action) => `rds:${action}`);

const who = (roles: readonly Role[], may: (role: Role) => boolean) => roles.filter(may).map(({ of }) => of);
const mayChange = (role: Role) => CHANGES.some((action) => role.may(action, PRODUCTION));

async function rolesWith(settings: object): Promise<Role[]> {
  return rolesOf(Template.fromStack((await makeApp({ settings: { ...fullSettings, ...settings } })).stack));
}

describe("of all roles in the template", () => {
  let roles: Role[];
  beforeAll(async () => {
    roles = await rolesWith({});
  });

  test("there are more than the functions', and each is looked at", () => {
    expect(roles.length).toBeGreaterThan(20);
    expect(who(roles, (role) => role.may("rds:DeleteDBInstance", arn("db", "sluice-staging-1")))).toEqual([
      "staging",
    ]);
  });

  test("none may delete production, or what it was before a restore", () => {
    for (const name of ["orders-production", "orders-production-before-0123456789ab"])
      expect(who(roles, (role) => role.may("rds:DeleteDBInstance", arn("db", name)))).toEqual([]);
  });

  test("only the restore's role may change production", () => {
    expect(who(roles, mayChange)).toEqual(["restore"]);
  });

  test("a restore to a moment is of production, before or after it was moved aside, and makes staging or production", () => {
    const of = (name: string) => who(roles, (role) => role.may(TO_A_MOMENT, arn("db", name)));
    expect(of("orders-production")).toEqual(["staging", "restore"]);
    expect(of("sluice-staging-1")).toEqual(["staging"]);
    expect(of("orders-production-before-0123456789ab")).toEqual(["restore"]);
    for (const kind of ["subgrp", "pg", "og"])
      expect(who(roles, (role) => role.may(TO_A_MOMENT, arn(kind, "any")))).toEqual(["staging", "restore"]);
    // Backups of other instances may not be restored.
    expect(who(roles, (role) => role.may(TO_A_MOMENT, arn("auto-backup", "ab-1")))).toEqual([]);
  });

  test("none may touch another instance, not even one whose name begins like production's", () => {
    for (const name of ["customers", "orders-production-2", "orders-productio"])
      for (const action of [...CHANGES, TO_A_MOMENT, "rds:DeleteDBInstance", "rds:CreateDBSnapshot"])
        expect([name, action, who(roles, (role) => role.may(action, arn("db", name)))]).toEqual([
          name,
          action,
          [],
        ]);
  });

  test("none may delete the final snapshot, or one that is not Sluice's", () => {
    for (const name of ["sluice-final-0123456789ab", "nightly"])
      expect(who(roles, (role) => role.may("rds:DeleteDBSnapshot", arn("snapshot", name)))).toEqual([]);
  });
});

test("deployed with restore: false, no role may change production at all, and no function is there that would", async () => {
  const roles = await rolesWith({ restore: false });
  expect(who(roles, mayChange)).toEqual([]);
  for (const name of ["orders-production", "sluice-staging-1"])
    expect(who(roles, (role) => role.may(TO_A_MOMENT, arn("db", name)))).toEqual([]);
  expect(who(roles, ({ of }) => of === "restore")).toEqual([]);
});

test("deployed with backup: snapshot, no role may restore anything to a moment", async () => {
  const roles = await rolesWith({ backup: "snapshot" });
  for (const name of ["orders-production", "sluice-staging-1", "orders-production-before-0123456789ab"])
    expect(who(roles, (role) => role.may(TO_A_MOMENT, arn("db", name)))).toEqual([]);
});

describe("logging in to the database", () => {
  const token = (user: string) => `arn:aws:rds-db:eu-central-1:123456789012:dbuser:db-ABC/${user}`;
  const { secretArn, secretKmsKeyArn: _, ...database } = fullSettings.database;
  const insiders =
    "benchmark clean-up fence gate migrate opening preflight prove record rollback validate verify watch writes";

  test("by a secret: that one is read, and no token of IAM's is made", async () => {
    const roles = await rolesWith({});
    const reads = (role: Role) => role.may("secretsmanager:GetSecretValue", secretArn);
    expect(who(roles, reads).sort()).toEqual(insiders.split(" "));
    expect(who(roles, (role) => role.may("rds-db:connect", token("sluice")))).toEqual([]);
  });

  test("by IAM: as that one role and no other, and no secret is read", async () => {
    const roles = await rolesWith({ database: { ...database, iamUser: "sluice" } });
    expect(who(roles, (role) => role.may("rds-db:connect", token("sluice"))).sort()).toEqual(
      insiders.split(" "),
    );
    expect(who(roles, (role) => role.may("rds-db:connect", token("postgres")))).toEqual([]);
    expect(who(roles, (role) => role.may("secretsmanager:GetSecretValue", secretArn))).toEqual([]);
  });
});

describe("deployed for several databases", () => {
  const { database, ...others } = fullSettings;
  const stock = {
    instance: "stock",
    name: "stock",
    iamUser: "migrator",
    storageKmsKeyArn: "arn:aws:kms:eu-central-1:123456789012:key/stock",
    alarms: ["stock-latency"],
  };
  const ALL = ["orders-production", "stock"];
  let roles: Role[];
  beforeAll(async () => {
    const { stack } = await makeApp({ settings: { ...others, databases: [database, stock] } });
    roles = rolesOf(Template.fromStack(stack));
  });

  test("the same roles may do to each what they may do to one, and to no other instance", async () => {
    const one = await rolesWith({});
    for (const action of [...CHANGES, TO_A_MOMENT, "rds:CreateDBSnapshot", "rds:DescribeDBInstances"]) {
      const may = who(one, (role) => role.may(action, PRODUCTION));
      for (const name of ALL)
        expect([action, name, who(roles, (role) => role.may(action, arn("db", name)))]).toEqual([
          action,
          name,
          may,
        ]);
      for (const name of ["customers", "stock-2", "stoc", "orders"])
        expect([action, name, who(roles, (role) => role.may(action, arn("db", name)))]).toEqual([
          action,
          name,
          [],
        ]);
    }
  });

  test("none may delete one of them, or what it was before a restore", () => {
    for (const name of ALL.flatMap((each) => [each, `${each}-before-0123456789ab`]))
      expect(who(roles, (role) => role.may("rds:DeleteDBInstance", arn("db", name)))).toEqual([]);
  });

  test("each is logged in to by its own way, as no other role and with no other secret", () => {
    const inside = who(roles, (role) => role.may("secretsmanager:GetSecretValue", database.secretArn));
    expect(inside).toContain("migrate");
    const token = (user: string) => `arn:aws:rds-db:eu-central-1:123456789012:dbuser:db-ABC/${user}`;
    expect(who(roles, (role) => role.may("rds-db:connect", token("migrator")))).toEqual(inside);
    expect(who(roles, (role) => role.may("rds-db:connect", token("postgres")))).toEqual([]);
    const another = database.secretArn.replace("orders", "stock");
    expect(who(roles, (role) => role.may("secretsmanager:GetSecretValue", another))).toEqual([]);
  });

  test("the alarms of each may be silenced, and no other", () => {
    const silences = (name: string) =>
      who(roles, (role) =>
        role.may(
          "cloudwatch:DisableAlarmActions",
          `arn:aws:cloudwatch:eu-central-1:123456789012:alarm:${name}`,
        ),
      );
    expect(["orders-latency", "stock-latency"].map(silences)).toEqual([["alarms"], ["alarms"]]);
    expect(silences("billing-latency")).toEqual([]);
  });
});
