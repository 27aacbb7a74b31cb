import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, NestedStack, Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import * as rds from "aws-cdk-lib/aws-rds";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import { describe, expect, onTestFinished, test } from "vitest";
import { Envar } from "../../lambdas/shared/deployment.ts";
import { Sluice, type SluiceProps } from "../../lib/index.ts";
import { temporaryFolder } from "../support/rehearsal.ts";

const ENGINE = rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_17 });

/** A team's own app, with production in it. */
function own({
  identifier,
  engine = ENGINE,
  bundle = false,
  indent = true,
}: {
  identifier?: string;
  engine?: rds.IInstanceEngine;
  bundle?: boolean;
  indent?: boolean;
} = {}) {
  const outdir = mkdtempSync(join(tmpdir(), "sluice-own-"));
  onTestFinished(() => rmSync(outdir, { recursive: true, force: true }));
  const app = new App({
    outdir,
    context: bundle ? {} : { "aws:cdk:bundling-stacks": [] },
    builtinCloudFormationValidation: false,
  });
  const stack = new Stack(app, "Shop", { suppressTemplateIndentation: !indent });
  // CDK's own types disagree if optional properties are exact.
  const vpc = new ec2.Vpc(stack, "Vpc") as ec2.IVpc;
  const instance = new rds.DatabaseInstance(stack, "Orders", {
    engine,
    vpc,
    databaseName: "orders",
    port: 6543,
    ...(identifier === undefined ? {} : { instanceIdentifier: identifier }),
  });
  const props = { instance, vpc, approvers: ["dba@example.org"], plan: "test/plans/tiny" };
  return { stack, vpc, instance, props, outdir };
}

function made(stack: Stack, props: SluiceProps, id = "Migrations") {
  return new Sluice(stack, id, props);
}

test("an instance of one's own app lets the functions in on its port, and is named by what CloudFormation names it", () => {
  const { stack, props } = own();
  made(stack, props);
  const template = Template.fromStack(stack);
  template.hasResourceProperties("AWS::EC2::SecurityGroupIngress", {
    SourceSecurityGroupId: { "Fn::GetAtt": [Match.stringLikeRegexp("MigrationsSecurityGroup"), "GroupId"] },
    FromPort: { "Fn::GetAtt": [Match.stringLikeRegexp("^Orders"), "Endpoint.Port"] },
  });
  const [names] = Object.values(template.findResources("AWS::Lambda::Function")).flatMap(
    ({ Properties }) => Properties.Environment?.Variables?.[Envar.names] ?? [],
  );
  expect(JSON.stringify(names)).toMatch(/"Ref":"Orders\w+"/);
  expect(JSON.stringify(names)).toMatch(/"Ref":"OrdersSecret\w+"/);
  // The former production's name begins with production's, and no policy reaches every instance.
  const policies = JSON.stringify(template.findResources("AWS::IAM::Policy"));
  expect(policies).toContain("*-before-*");
  expect(policies).not.toContain(':db:*"');
});

test("an instance whose identifier the app gives is known by it, and the functions need no names of CloudFormation's but the secret's", () => {
  const { stack, props } = own({ identifier: "orders-production" });
  made(stack, props);
  const text = JSON.stringify(Template.fromStack(stack).toJSON());
  expect(text).toContain("db:orders-production-before-*");
  expect(text).toContain("Sluice-orders-production");
});

/** Names an instance that no app has by its identifier. */
const named = (props: SluiceProps, instance: string) => ({
  ...props,
  instance,
  databaseName: "app",
  iamUser: "migrator",
});

test("a stack whose template cannot hold another is refused, with what to do", () => {
  const { stack, props } = own();
  made(stack, props);
  expect(() => made(stack, named(props, "stock"), "Stock")).toThrow(
    /Shop\/Stock.*\n- Shop has 2 of Sluice, which take about 1[23]\d\d KB .* limit is 1000 KB\. .*new NestedStack\(this, "StockStack"\), "Stock"/s,
  );
  made(new NestedStack(stack, "StockStack"), named(props, "stock"));
});

test("a stack that is not indented has no room for two either", () => {
  const { stack, props } = own({ indent: false });
  made(stack, props);
  Template.fromStack(stack).resourceCountIs("AWS::StepFunctions::StateMachine", 4);
  expect(() => made(stack, named(props, "stock"), "Stock")).toThrow(/Shop has 2 of Sluice, .*\.\.\.\)$/s);
});

test("two in one app have settings of their own beside their functions' code", () => {
  const { stack, vpc, props, outdir } = own({ bundle: true, indent: false });
  const named = { ...props, vpc, iamUser: "migrator" };
  made(stack, { ...named, instance: "orders-production", databaseName: "orders" });
  made(
    new NestedStack(stack, "Stock"),
    { ...named, instance: "stock-production", databaseName: "stock" },
    "StockMigrations",
  );
  const shipped = readdirSync(outdir, { recursive: true, encoding: "utf8" })
    .filter((path) => /^asset\.\w+.settings\.json$/.test(path))
    .map((path) => readFileSync(join(outdir, path), "utf8"));
  const of = (name: string) => shipped.filter((text) => text.includes(`"database":"${name}"`)).length;
  expect(of("stock")).toBe(of("orders"));
  expect(of("orders")).toBeGreaterThan(10);
});

test("what only CloudFormation will know is refused where a function must know it", () => {
  const { stack, vpc, props } = own();
  const named = { ...props, vpc, instance: "legacy", iamUser: "migrator", databaseName: "app" };
  const alarms = [stack.stackId];
  expect(() => made(stack, { ...named, settings: { alarms } })).toThrow(
    /Shop\/Migrations.*\n- databases\[0\]\.alarms\[0\]: its value is known only to CloudFormation/s,
  );
  expect(() => made(stack, { ...named, databaseName: stack.stackId }, "Other")).toThrow(
    "- databases[0].database: its value is known only to CloudFormation",
  );
});

test("an instance that cannot be migrated is refused, and the reason is named", () => {
  const { stack, vpc, instance, props } = own();
  const replica = new rds.DatabaseInstanceReadReplica(stack, "Replica", {
    instanceType: ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MEDIUM),
    sourceDatabaseInstance: instance,
    vpc,
  });
  const named = { ...props, iamUser: "migrator", databaseName: "orders" };
  expect(() => made(stack, { ...named, instance: replica })).toThrow("- instance: it is a read replica");
  // Values that JavaScript permits: undefined, and a cluster's instance.
  for (const [index, none] of [undefined, { instanceIdentifier: "writer" }].entries())
    expect(() => made(stack, { ...named, instance: none as never }, `None${index}`)).toThrow(
      "- instance: give an rds.DatabaseInstance",
    );
});

const AURORA = rds.DatabaseClusterEngine.auroraPostgres({
  version: rds.AuroraPostgresEngineVersion.VER_16_6,
});

/** A team's own app, with production in it as a cluster of a writer and a reader. */
function ownCluster({
  identifier,
  engine = AURORA,
}: {
  identifier?: string;
  engine?: rds.IClusterEngine;
} = {}) {
  const { stack, vpc, instance, props } = own();
  const cluster = new rds.DatabaseCluster(stack, "Stock", {
    engine,
    vpc,
    defaultDatabaseName: "stock",
    port: 6543,
    writer: rds.ClusterInstance.serverlessV2("writer"),
    readers: [rds.ClusterInstance.serverlessV2("reader", { scaleWithWriter: true })],
    ...(identifier === undefined ? {} : { clusterIdentifier: identifier }),
  });
  const { instance: _, ...common } = props;
  return { stack, vpc, instance, cluster, props: { ...common, cluster } };
}

describe("a cluster of one's own app", () => {
  test("lets the functions in on its port, and is named, with its instances and its secret, by what CloudFormation names them", () => {
    const { stack, props } = ownCluster();
    made(stack, props);
    const template = Template.fromStack(stack);
    template.hasResourceProperties("AWS::EC2::SecurityGroupIngress", {
      SourceSecurityGroupId: { "Fn::GetAtt": [Match.stringLikeRegexp("MigrationsSecurityGroup"), "GroupId"] },
      FromPort: { "Fn::GetAtt": [Match.stringLikeRegexp("^Stock"), "Endpoint.Port"] },
    });
    const [names] = Object.values(template.findResources("AWS::Lambda::Function")).flatMap(
      ({ Properties }) => Properties.Environment?.Variables?.[Envar.names] ?? [],
    );
    const text = JSON.stringify(names);
    for (const name of [
      /"Ref":"Stock[0-9A-F]+"/,
      /"Ref":"Stockwriter\w+"/,
      /"Ref":"Stockreader\w+"/,
      /"Ref":"StockSecret\w+"/,
    ])
      expect(text).toMatch(name);
    const policies = JSON.stringify(template.findResources("AWS::IAM::Policy"));
    // No policy reaches every instance.
    expect(policies).not.toMatch(/:db:\*"/);
    expect(policies).toMatch(/:db:"?,[^\]]*"Ref":"Stockwriter/);
  });

  test("whose identifier the app gives is known by it", () => {
    const { stack, props } = ownCluster({ identifier: "stock-production" });
    made(stack, props);
    const text = JSON.stringify(Template.fromStack(stack).toJSON());
    expect(text).toContain("cluster:stock-production-before-*");
    expect(text).toContain("Sluice-stock-production");
  });

  test("may be cloned as its backup, and staged from a snapshot; its members may be named", () => {
    const { stack, props } = ownCluster();
    made(stack, { ...props, staging: "snapshot", members: ["blue", "green"], settings: { backup: "clone" } });
    const text = JSON.stringify(Template.fromStack(stack).toJSON());
    for (const said of ["db:blue", "db:green*-before-*"]) expect(text).toContain(said);
    expect(text).toContain("rds:RestoreDBClusterToPointInTime");
  });

  test("that cannot be migrated is refused, and the reason is named", () => {
    const mysql = rds.DatabaseClusterEngine.auroraMysql({ version: rds.AuroraMysqlEngineVersion.VER_3_08_0 });
    const other = ownCluster({ engine: mysql });
    expect(() => made(other.stack, other.props)).toThrow("- cluster: it runs aurora-mysql");
    const { stack, vpc, cluster, props } = ownCluster();
    const replica = new rds.DatabaseCluster(stack, "Replica", {
      engine: AURORA,
      vpc,
      defaultDatabaseName: "stock",
      replicationSourceIdentifier: cluster.clusterArn,
      writer: rds.ClusterInstance.serverlessV2("writer"),
    });
    expect(() => made(stack, { ...props, cluster: replica })).toThrow("- cluster: it is a replica");
    const serverless = new rds.ServerlessCluster(stack, "Old", { engine: AURORA, vpc });
    expect(() => made(stack, { ...props, cluster: serverless as never }, "Second")).toThrow("Serverless v1");
    expect(() => made(stack, { ...props, cluster: {} as never }, "Third")).toThrow(
      "- cluster: give an rds.DatabaseCluster",
    );
  });
});

describe("a cluster of another app", () => {
  const attributes = { clusterIdentifier: "legacy", port: 5432, engine: AURORA };

  test("is taken from its attributes; without its instances, by the rule for their names", () => {
    const { stack, props } = ownCluster();
    const cluster = rds.DatabaseCluster.fromDatabaseClusterAttributes(stack, "Legacy", attributes);
    made(stack, { ...props, cluster, databaseName: "app", iamUser: "migrator" });
    const text = JSON.stringify(Template.fromStack(stack).toJSON());
    expect(text).toContain("cluster:legacy-before-*");
    expect(text).toContain("db:legacy-*");
  });

  test("without a port is refused", () => {
    const { stack, props } = ownCluster();
    const { port: _, ...without } = attributes;
    const cluster = rds.DatabaseCluster.fromDatabaseClusterAttributes(stack, "Legacy", without);
    expect(() => made(stack, { ...props, cluster, databaseName: "app", iamUser: "migrator" })).toThrow(
      "- cluster: its port is missing",
    );
  });

  test("may be given by its identifier alone", () => {
    const { stack, props } = ownCluster();
    expect(() => made(stack, { ...props, cluster: "legacy" })).toThrow(
      "- databaseName: is missing, and the cluster",
    );
    expect(() => made(stack, { ...props, cluster: "legacy", databaseName: "app" }, "Other")).toThrow(
      "- secret: is missing, and the cluster",
    );
    made(stack, { ...props, cluster: "legacy", databaseName: "app", iamUser: "migrator" }, "Third");
    expect(JSON.stringify(Template.fromStack(stack).toJSON())).toContain("cluster:legacy-before-*");
  });
});

test("an instance or a cluster is given, not both, and an instance refuses the settings of clusters", () => {
  const { stack, instance, props } = ownCluster();
  const { cluster: _, ...neither } = props;
  expect(() => made(stack, { ...props, instance })).toThrow("- cluster: does not go with instance");
  expect(() => made(stack, neither, "Other")).toThrow(
    /- instance: give an rds.DatabaseInstance, .*or give cluster instead/,
  );
  for (const [key, more] of Object.entries({
    staging: { staging: "clone" as const },
    members: { members: ["a"] },
  }))
    expect(() => made(stack, { ...neither, instance, ...more }, `With${key}`)).toThrow(
      `- ${key}: is for clusters only`,
    );
});

test("a secret that no policy can name is refused", () => {
  const { stack, vpc, props } = own();
  const secret = secretsmanager.Secret.fromSecretNameV2(stack, "Secret", "orders/migrator");
  expect(() => made(stack, { ...props, vpc, instance: "legacy", databaseName: "app", secret })).toThrow(
    "- secret: give it by its whole ARN",
  );
});

test("an instance that no app has is named by its identifier, with what it takes to log in", () => {
  const { stack, vpc, props } = own();
  const named = { ...props, vpc, instance: "legacy", databaseName: "app" };
  expect(() => made(stack, named)).toThrow(/Shop\/Migrations\):\n- secret: is missing/);
  expect(() => made(stack, { ...props, instance: "legacy" }, "Other")).toThrow(/- databaseName: is missing/);
  made(stack, { ...named, iamUser: "migrator" }, "Third");
  expect(JSON.stringify(Template.fromStack(stack).toJSON())).toContain("db:legacy-before-*");
});

test("what is no PostgreSQL is refused by its name", () => {
  const { stack, props } = own({
    engine: rds.DatabaseInstanceEngine.mysql({ version: rds.MysqlEngineVersion.VER_8_0 }),
  });
  expect(() => made(stack, props)).toThrow(/instance: it runs mysql/);
});

test("mistakes in the settings and in the plan are all shown, with their place", async () => {
  const { stack, props } = own();
  const settings = { retentionDays: 7, lockTries: 0 } as never;
  expect(() => made(stack, { ...props, settings })).toThrow(/2 mistakes.*Shop\/Migrations.*\n- .*\n- /s);
  const plan = await temporaryFolder();
  expect(() => made(stack, { ...props, plan }, "Other")).toThrow(/The plan .* cannot be deployed:\n/);
  expect(() => made(stack, { ...props, plan: "./nowhere" }, "Third")).toThrow(
    "The plan ./nowhere cannot be deployed: the folder does not exist in ",
  );
});
