import { Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { type Role, rolesOf } from "../support/roles.ts";
import { fullSettings, makeApp } from "../support/stack.ts";

const arn = (resource: string, name: string) => `arn:aws:rds:eu-central-1:123456789012:${resource}:${name}`;
const RUN = "0123456789ab";
const who = (roles: readonly Role[], action: string, kind: string, name: string) =>
  roles.filter((role) => role.may(`rds:${action}`, arn(kind, name))).map(({ of }) => of);

const { instance: _, ...login } = fullSettings.database;
async function rolesWith(database: object, settings: object = {}): Promise<Role[]> {
  const all = {
    ...fullSettings,
    backup: "clone",
    ...settings,
    database: { ...login, cluster: "orders", ...database },
  };
  return rolesOf(Template.fromStack((await makeApp({ settings: all })).stack));
}

/** All actions of RDS on a cluster or its instances, except reading, copying and tagging. */
const CHANGES: [action: string, kind: string, name: string][] = [
  ...["ModifyDBCluster", "RestoreDBClusterFromSnapshot", "AddRoleToDBCluster"].map(
    (action): [string, string, string] => [action, "cluster", "orders"],
  ),
  ...["CreateDBInstance", "ModifyDBInstance", "RebootDBInstance"].map((action): [string, string, string] => [
    action,
    "db",
    "orders-1",
  ]),
];

describe("of all roles in the template of a cluster", () => {
  let roles: Role[];
  beforeAll(async () => {
    roles = await rolesWith({});
  });

  test.each(CHANGES)("only the restore's role may %s on %s %s", (action, kind, name) => {
    expect(who(roles, action, kind, name)).toEqual(["restore"]);
  });

  test("none may delete production, what it was before a restore, an instance of either, or the final backup", () => {
    const names = ["orders", `orders-before-${RUN}`, `sluice-final-${RUN}`];
    for (const name of names)
      expect([name, who(roles, "DeleteDBCluster", "cluster", name)]).toEqual([name, []]);
    for (const name of ["orders-1", `orders-1-before-${RUN}`])
      expect([name, who(roles, "DeleteDBInstance", "db", name)]).toEqual([name, []]);
    for (const name of [`sluice-final-${RUN}`, `sluice-kept-${RUN}`, "nightly"])
      expect([name, who(roles, "DeleteDBClusterSnapshot", "cluster-snapshot", name)]).toEqual([name, []]);
  });

  test("staging is made and deleted by the one that stages, and so is what it was made from", () => {
    expect(who(roles, "DeleteDBCluster", "cluster", `sluice-staging-${RUN}`)).toEqual(["staging"]);
    expect(who(roles, "DeleteDBCluster", "cluster", `sluice-rehearsal-${RUN}`)).toEqual(["staging"]);
    expect(who(roles, "DeleteDBInstance", "db", `sluice-staging-${RUN}-writer`)).toEqual(["staging"]);
    expect(who(roles, "CreateDBInstance", "db", `sluice-staging-${RUN}-writer`)).toEqual(["staging"]);
  });

  test("a clone is made by the one that takes snapshots, of production alone; the restore takes the final one's name", () => {
    for (const name of ["orders", `sluice-rehearsal-${RUN}`, `sluice-final-${RUN}`])
      expect([name, who(roles, "RestoreDBClusterToPointInTime", "cluster", name)]).toEqual([
        name,
        ["snapshot"],
      ]);
    expect(who(roles, "ModifyDBCluster", "cluster", `sluice-final-${RUN}`)).toEqual(["restore"]);
    expect(who(roles, "ModifyDBCluster", "cluster", `sluice-rehearsal-${RUN}`)).toEqual(["staging"]);
  });

  test("none may touch another cluster, or an instance that does not begin with this one's name", () => {
    for (const name of ["customers", "orders-2", "order"])
      for (const action of [
        "ModifyDBCluster",
        "DeleteDBCluster",
        "CreateDBClusterSnapshot",
        "RestoreDBClusterToPointInTime",
        "RestoreDBClusterFromSnapshot",
      ])
        expect([name, action, who(roles, action, "cluster", name)]).toEqual([name, action, []]);
    for (const name of ["customers-1", "orders2", "order"])
      for (const action of [
        "ModifyDBInstance",
        "RebootDBInstance",
        "DescribeDBInstances",
        "CreateDBInstance",
      ])
        expect([name, action, who(roles, action, "db", name)]).toEqual([name, action, []]);
  });
});

test("which clusters share its storage may be seen by admit alone, and only where runs make clones", async () => {
  const seen = (roles: readonly Role[]) => who(roles, "DescribeDBClusters", "cluster", "another");
  expect(seen(await rolesWith({}))).toEqual(["admit"]);
  expect(seen(await rolesWith({ staging: "snapshot" }, { backup: "snapshot" }))).toEqual([]);
});

test("where the members are named, no other instance may be touched, however it begins", async () => {
  const roles = await rolesWith({ members: ["blue", "green"] });
  expect(who(roles, "ModifyDBInstance", "db", "blue")).toEqual(["restore"]);
  expect(who(roles, "ModifyDBInstance", "db", `green-before-${RUN}`)).toEqual(["restore"]);
  for (const name of ["orders-1", "orders", "blue-2"])
    expect([name, who(roles, "ModifyDBInstance", "db", name)]).toEqual([name, []]);
});

test("deployed with restore: false, no role may change production at all", async () => {
  const roles = await rolesWith({}, { restore: false });
  for (const [action, kind, name] of CHANGES)
    expect([action, who(roles, action, kind, name)]).toEqual([action, []]);
});

test("deployed with moments, production is restored from what it is and from what it was", async () => {
  const roles = await rolesWith({}, { backup: "point-in-time" });
  const may = (name: string) => who(roles, "RestoreDBClusterToPointInTime", "cluster", name);
  expect(may("orders")).toEqual(expect.arrayContaining(["staging", "restore"]));
  expect(may(`orders-before-${RUN}`)).toEqual(["restore"]);
});
