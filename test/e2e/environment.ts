import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IAMClient } from "@aws-sdk/client-iam";
import { CreateDBInstanceCommand, type DBCluster, type DBInstance, RDSClient } from "@aws-sdk/client-rds";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import { loadPlan } from "../../lib/plan/compile.ts";
import {
  multiAzCluster,
  multiAzMembers,
  productionCluster,
  productionMembers,
} from "../support/rds-cluster.ts";
import { RdsClusters } from "../support/rds-clusters.ts";
import { TINY_PLAN } from "../support/rehearsal.ts";
import { exampleSettings } from "../support/settings.ts";
import { makeCertificates } from "./certificates.ts";
import { ClusterVolumes } from "./cluster-volumes.ts";
import { allowUntold, forgetUnknownCondition } from "./concessions.ts";
import { Deployment, type Outputs } from "./deployment.ts";
import { ACCOUNT, REGION, startEmulator } from "./emulator.ts";
import { Executions } from "./executions.ts";
import { findNeeds } from "./needs.ts";
import { People } from "./people.ts";
import { PostgresServers } from "./postgres.ts";
import { DATABASE, INSTANCE, Production } from "./production.ts";
import { RdsFront } from "./rds-front.ts";

export interface Environment {
  deployment: Deployment;
  outputs: Outputs;
  production: Production;
  /** Further instances, each with a database of its own that is as production's. */
  tenants: Production[];
  people: People;
  front: RdsFront;
  runs: Executions;
  cleanUps: Executions;
  rollouts: Executions;
  s3: S3Client;
  rds: RDSClient;
  /** Its part of the settings. */
  database: object;
  close(): Promise<void>;
}

/** An AWS account with production and a deployment of Sluice: everything that a run needs, and its people. */
export async function makeEnvironment(
  of: "instance" | "cluster" | "multi-az" = "instance",
  tenants: readonly string[] = [],
): Promise<Environment> {
  const kind = of === "instance" ? "instance" : "cluster";
  const needs = await findNeeds();
  const folder = mkdtempSync(join(tmpdir(), "sluice-e2e-"));
  const closing: (() => unknown)[] = [];
  // Keeps the logs, to show what went wrong.
  if (process.env.SLUICE_E2E_KEEP) console.error(`Logs and all else are in ${folder}`);
  else closing.push(() => rmSync(folder, { recursive: true, force: true }));
  const close = async () => {
    for (const each of closing.reverse()) await each();
  };
  try {
    const certificates = await makeCertificates(needs.openssl, folder);
    const servers = new PostgresServers(needs.postgres, certificates);
    closing.push(() => servers.close());
    const front = new RdsFront(servers, certificates);
    const rdsUrl = await front.listen();
    closing.push(() => front.close());
    const { python } = needs;
    const { own: nextPort, emulators: databasePort } = await takePorts();
    const port = nextPort();
    const emulator = await startEmulator({ python, certificates, port, databasePort, rdsUrl, folder });
    closing.push(() => emulator.stop());

    const ca = readFileSync(certificates.ca);
    const client = {
      endpoint: emulator.url,
      region: REGION,
      credentials: { accessKeyId: ACCOUNT, secretAccessKey: "test" },
      requestHandler: { httpsAgent: new Agent({ ca, keepAlive: true }) },
    };
    await refusesStrangers(new S3Client({ ...client, credentials: STRANGER }));
    const rds = new RDSClient(client);
    front.connect(port, rds);

    const { local } = await loadPlan(TINY_PLAN);
    if (!local) throw new Error("The plan has no baseline");
    const production = new Production(local, servers, front, certificates);
    const others: Production[] = [];
    for (const instance of tenants) {
      const tenant = new Production(local, servers, front, certificates, instance);
      const port = nextPort();
      await servers.create(`${instance}-${port}`);
      await servers.start(`${instance}-${port}`, port);
      await front.adopt(instance, port);
      await tenant.createRoles();
      await tenant.reset();
      await rds.send(createInstance(instance, port, tenant));
      others.push(tenant);
    }
    const productionPort = nextPort();
    const volume = `${INSTANCE}-${productionPort}`;
    await servers.create(volume);
    await servers.start(volume, productionPort);
    if (kind === "cluster")
      front.clusters = await adoptCluster(
        front,
        servers,
        volume,
        productionPort,
        nextPort,
        of === "multi-az" ? [multiAzCluster, multiAzMembers] : [productionCluster, productionMembers],
      );
    else await front.adopt(INSTANCE, productionPort);
    await production.createRoles();
    if (kind === "instance") await rds.send(createInstance(INSTANCE, productionPort, production));
    const application = await production.startApplication();
    closing.push(() => application.close());
    const secrets = new SecretsManagerClient(client);
    const secret = await secrets.send(
      new CreateSecretCommand({
        Name: "notes/master",
        SecretString: JSON.stringify(production.owner),
      }),
    );

    const own = { name: DATABASE, secretArn: secret.ARN, caBundle: certificates.ca };
    const database = { [kind]: INSTANCE, ...own, ...(of === "multi-az" ? { staging: "snapshot" } : {}) };
    const { database: _, ...common } = exampleSettings;
    const settings = {
      ...common,
      plan: TINY_PLAN,
      ...(tenants.length === 0
        ? { database }
        : {
            databases: [database, ...tenants.map((instance) => ({ instance, ...own }))],
            stackName: "Fleet",
          }),
      ...(of === "cluster" ? { backup: "clone" } : {}),
      application: { url: application.url },
      tags: { "cost-center": "4711" },
    };
    const deployment = new Deployment(settings, emulator.env, folder);
    await deployment.bootstrap();
    const outputs = await deployment.deploy();
    const out = (name: string) => outputs[name] ?? "";
    const people = new People(new SNSClient(client), ca);
    closing.push(() => people.close());
    await people.subscribe([out("ApproversTopicArn"), out("EscalationTopicArn")]);
    const sfn = new SFNClient(client);
    const s3 = new S3Client(client);
    await forgetUnknownCondition(s3, out("EvidenceBucket"));
    await allowUntold(new IAMClient(client));
    return {
      deployment,
      outputs,
      production,
      tenants: others,
      people,
      front,
      runs: new Executions(sfn, out("StateMachineArn")),
      cleanUps: new Executions(sfn, out("CleanUpStateMachineArn")),
      rollouts: new Executions(sfn, out("RolloutStateMachineArn")),
      s3,
      rds,
      database,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function createInstance(instance: string, Port: number, { owner }: Production): CreateDBInstanceCommand {
  return new CreateDBInstanceCommand({
    DBInstanceIdentifier: instance,
    DBInstanceClass: "db.t4g.small",
    Engine: "postgres",
    EngineVersion: "17.4",
    DBName: DATABASE,
    MasterUsername: owner.username,
    Port,
    AllocatedStorage: 20,
    BackupRetentionPeriod: 7,
    VpcSecurityGroupIds: ["sg-0123456789abcdef0"],
  });
}

/** Production as a cluster whose writer is that server; readers have its address, as they have its data. */
async function adoptCluster(
  front: RdsFront,
  servers: PostgresServers,
  volume: string,
  port: number,
  nextPort: () => number,
  [cluster, members]: [DBCluster, readonly DBInstance[]],
): Promise<RdsClusters> {
  const volumes = new ClusterVolumes(servers, front.backups, nextPort);
  await volumes.adopt(volume, port);
  const clusters = new RdsClusters(volumes, () => "localhost");
  // MiniStack has the groups that every account has.
  const group = `default.${cluster.Engine}17`;
  clusters.adopt(
    {
      ...cluster,
      DBClusterIdentifier: INSTANCE,
      DBClusterArn: `arn:aws:rds:${REGION}:${ACCOUNT}:cluster:${INSTANCE}`,
      DBClusterParameterGroup: group,
      Endpoint: "localhost",
      Port: port,
      MasterUserSecret: undefined,
    },
    members.map((member) => ({
      ...member,
      DBInstanceIdentifier: member.DBInstanceIdentifier?.replace(/^orders-/, `${INSTANCE}-`),
      DBParameterGroups: [{ DBParameterGroupName: group, ParameterApplyStatus: "in-sync" }],
    })),
    volume,
  );
  return clusters;
}

const STRANGER = { accessKeyId: "AKIASTRANGER", secretAccessKey: "test" };

/** Without IAM in force the suite could not show what roles may do. */
async function refusesStrangers(s3: S3Client): Promise<void> {
  const refused = await s3.send(new ListBucketsCommand({})).then(
    () => undefined,
    (error: Error) => error.name,
  );
  if (refused !== "InvalidAccessKeyId") throw new Error(`IAM is not in force: a stranger got ${refused}`);
}

/** Ports of one environment: half for what the suite starts, half for the instances that MiniStack makes. */
const BLOCK = 80;

interface Ports {
  /** Returns the next one. */
  own: () => number;
  /** The first of those that MiniStack gives its instances, one after the other. */
  emulators: number;
}

/**
 * Takes ports below those that systems give to outgoing connections. MiniStack chooses an instance's port some time
 * before a server listens on it, and meanwhile a connection could take it.
 */
async function takePorts(): Promise<Ports> {
  for (;;) {
    const first = 20_000 + BLOCK * Math.floor(Math.random() * 140);
    const block = Array.from({ length: BLOCK }, (_, at) => first + at);
    const free = await Promise.all(block.map(isFree));
    let next = first;
    if (free.every(Boolean)) return { own: () => next++, emulators: first + BLOCK / 2 };
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listens = await new Promise<boolean>((resolve) => {
    server.on("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (listens) await new Promise((resolve) => server.close(resolve));
  return listens;
}
