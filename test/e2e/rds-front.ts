import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import {
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  type DBInstance,
  DeleteDBInstanceCommand,
  DeleteDBSnapshotCommand,
  DescribeDBInstancesCommand,
  type RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
} from "@aws-sdk/client-rds";
import { STAGING_PREFIX } from "../../lambdas/shared/names.ts";
import { type RdsClusters, RdsRefusal } from "../support/rds-clusters.ts";
import type { Certificates } from "./certificates.ts";
import type { PostgresServers } from "./postgres.ts";
import {
  answerAbout,
  automatedSnapshot,
  creating,
  filling,
  refused,
  restorable,
  restoreBegun,
} from "./rds-answers.ts";
import { AutomatedBackups } from "./rds-backups.ts";
import { answerXml, inputOf } from "./rds-xml.ts";

/** How far a copy's volume is filled, at each request. */
export const PERCENT = 37;

/** A call of RDS's query API, as it came. */
export type Call = Readonly<Record<string, string>>;

interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  body: string;
}

/**
 * RDS as the functions find it: MiniStack's own API, which has instances and snapshots without data, and a real PostgreSQL
 * server on every port that it advertises. Each call is passed on unchanged, with its signature, and only a call that
 * MiniStack granted is done. This class adds what MiniStack lacks: the data; renames, which MiniStack accepts but does not
 * do, and which keep an instance's identity; the end of a change of parameters, which it leaves "applying"; an instance's
 * surroundings; a copy's volume that fills while it is used; automated backups, and restores to a moment from them; the
 * duration of a snapshot; and refusals that a test wants.
 */
export class RdsFront {
  /** Returns the refusal for a call, given once; undefined: the call is passed on. */
  refuseNext: ((call: Call) => string | undefined) | undefined;
  /** All calls, in order. */
  readonly calls: Call[] = [];
  readonly ports = new Map<string, number>();
  readonly backups: AutomatedBackups;
  /** Present if production is a cluster: MiniStack has clusters, but neither clones nor renames them. */
  clusters: RdsClusters | undefined;
  /** How long a snapshot of that name is being made. */
  snapshotSeconds: (snapshot: string) => number = () => 0;
  private readonly begun = new Map<string, number>();
  /** Resource ids that MiniStack gave to renamed instances, each with the one that the instance has. */
  private readonly sameAs = new Map<string, string>();
  private readonly servers: PostgresServers;
  private readonly certificates: Certificates;
  private server: ReturnType<typeof createServer> | undefined;
  private emulatorPort = 0;
  private admin: RDSClient | undefined;

  constructor(servers: PostgresServers, certificates: Certificates) {
    this.servers = servers;
    this.certificates = certificates;
    this.backups = new AutomatedBackups(servers);
  }

  /** @returns its address */
  async listen(): Promise<string> {
    const { certificate, key } = this.certificates;
    const server = createServer(
      { cert: readFileSync(certificate), key: readFileSync(key) },
      (asked, answer) => void this.serve(asked, answer),
    );
    this.server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Where the emulator is, and a client that may do everything there. */
  connect(emulatorPort: number, admin: RDSClient): void {
    this.emulatorPort = emulatorPort;
    this.admin = admin;
  }

  /** An instance whose server runs already. It is backed up from now on. */
  async adopt(instance: string, port: number): Promise<void> {
    this.ports.set(instance, port);
    await this.backups.begin(port);
  }

  /** Port of the instance that has that name now, usually production; undefined while there is none. */
  portAt(name: string): number | undefined {
    return this.clusters?.portOf(name) ?? this.ports.get(name);
  }

  /** Turns its backups on again. */
  async backUp(instance: string): Promise<void> {
    await this.backups.begin(this.portOf(instance));
  }

  close(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }

  private async serve(asked: IncomingMessage, reply: ServerResponse): Promise<void> {
    try {
      const body = await textOf(asked);
      const call = Object.fromEntries(new URLSearchParams(body));
      this.calls.push(call);
      const refusal = this.refuseNext?.(call);
      if (refusal !== undefined) {
        this.refuseNext = undefined;
        reply.writeHead(400, { "content-type": "text/xml" }).end(refusal);
        return;
      }
      if (call.Action === "RestoreDBInstanceToPointInTime") {
        const { status, body: text } = await this.restoreToMoment(asked, body, call);
        reply.writeHead(status, { "content-type": "text/xml" }).end(text);
        return;
      }
      const answer = await this.pass(asked, body);
      const { clusters } = this;
      const input = inputOf(call);
      // IAM decides each call by its name; the stand-in does the calls that IAM granted.
      if (clusters?.knows(call.Action ?? "", input) && !answer.body.includes("AccessDenied")) {
        const { status, body: text } = await ofClusters(clusters, call.Action ?? "", input);
        reply.writeHead(status, { "content-type": "text/xml" }).end(text);
        return;
      }
      // MiniStack lacks these calls, so its IAM refuses them to no role.
      const known = answerAbout(call.Action ?? "");
      if (known !== undefined && answer.status !== 200 && !answer.body.includes("AccessDenied")) {
        reply.writeHead(200, { "content-type": "text/xml" }).end(known);
        return;
      }
      if (answer.status === 200) await this.act(call, answer.body);
      let settled = answer.body.replaceAll(
        "<ParameterApplyStatus>applying<",
        "<ParameterApplyStatus>in-sync<",
      );
      if (call.Action === "DescribeDBInstances" && call.DBInstanceIdentifier?.startsWith(STAGING_PREFIX))
        settled = filling(settled, PERCENT);
      if (answer.status === 200) settled = await this.withBackups(call, settled);
      for (const [given, own] of this.sameAs) settled = settled.replaceAll(given, own);
      reply.writeHead(answer.status, { "content-type": answer.headers["content-type"] ?? "text/xml" });
      reply.end(settled);
    } catch (error) {
      reply.writeHead(500).end(String(error));
    }
  }

  private pass(asked: IncomingMessage, body: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { method, url: path, headers } = asked;
      const ca = readFileSync(this.certificates.ca);
      const options = { host: "127.0.0.1", port: this.emulatorPort, method, path, headers, ca };
      const passed = request(options, (answer) => {
        textOf(answer).then(
          (text) => resolve({ status: answer.statusCode ?? 500, headers: answer.headers, body: text }),
          reject,
        );
      });
      passed.on("error", reject);
      passed.end(body);
    });
  }

  private async act(call: Call, answer: string): Promise<void> {
    const { Action, DBInstanceIdentifier: instance = "", DBSnapshotIdentifier: snapshot = "" } = call;
    switch (Action) {
      case "CreateDBSnapshot":
        this.begun.set(snapshot, Date.now());
        return await this.servers.copy(this.portOf(instance), snapshot);
      case "DeleteDBSnapshot":
        return this.servers.remove(snapshot);
      case "RestoreDBInstanceFromDBSnapshot":
        return await this.restore(snapshot, instance, Number(/<Port>(\d+)</.exec(answer)?.[1]));
      case "DeleteDBInstance":
        return await this.delete(instance);
      case "ModifyDBInstance":
        if (call.NewDBInstanceIdentifier) await this.rename(instance, call.NewDBInstanceIdentifier);
    }
  }

  private async restore(snapshot: string, instance: string, port: number): Promise<void> {
    const name = `${instance}-${port}`;
    await this.servers.restore(snapshot, name);
    await this.servers.start(name, port);
    await this.isThere(instance, port);
  }

  /** Begins backups, except for staging, which has none. */
  private async isThere(instance: string, port: number): Promise<void> {
    this.ports.set(instance, port);
    if (!instance.startsWith(STAGING_PREFIX)) await this.backups.begin(port);
  }

  /** Adds to an answer what MiniStack lacks: backups, and the duration of a snapshot. */
  private async withBackups({ Action, ...call }: Call, answer: string): Promise<string> {
    const { DBInstanceIdentifier: instance = "", DBSnapshotIdentifier: snapshot = "" } = call;
    const port = this.ports.get(instance);
    if (Action === "DescribeDBInstances" && port !== undefined) {
      // Pending values are not in force yet.
      const now = answer.replace(/<PendingModifiedValues>.*?<\/PendingModifiedValues>/s, "");
      if (now.includes("<BackupRetentionPeriod>0<")) this.backups.end(port);
      return restorable(answer, await this.backups.until(port));
    }
    if (Action !== "DescribeDBSnapshots") return answer;
    const madeAt = port === undefined ? undefined : this.backups.madeAt(port);
    if (call.SnapshotType === "automated" && madeAt) return automatedSnapshot(instance, madeAt);
    const begun = this.begun.get(snapshot) ?? 0;
    return Date.now() - begun < this.snapshotSeconds(snapshot) * 1000 ? creating(answer) : answer;
  }

  /** MiniStack lacks this call. Its IAM decides the unchanged call, without recognizing the instances. */
  private async restoreToMoment(
    asked: IncomingMessage,
    body: string,
    call: Call,
  ): Promise<Pick<Answer, "status" | "body">> {
    const {
      SourceDBInstanceIdentifier: source = "",
      TargetDBInstanceIdentifier: target = "",
      RestoreTime = "",
    } = call;
    const answer = await this.pass(asked, body);
    if (!answer.body.includes("InvalidAction")) return answer;
    const from = await this.described(source);
    const port = this.ports.get(source);
    const refuse = (code: string, message: string) => ({ status: 400, body: refused(code, message) });
    if (!from || port === undefined) return refuse("DBInstanceNotFound", `DBInstance ${source} not found.`);
    if (await this.described(target))
      return refuse("DBInstanceAlreadyExists", `DBInstance ${target} already exists.`);
    const [first, last] = [this.backups.madeAt(port), await this.backups.until(port)];
    if (from.BackupRetentionPeriod === 0 || !first || !last)
      return refuse("PointInTimeRestoreNotEnabled", `Automated backups are not enabled for ${source}.`);
    const at = new Date(RestoreTime);
    const outside = at > last ? `later than ${iso(last)}` : at < first ? `earlier than ${iso(first)}` : "";
    if (outside !== "")
      return refuse(
        "InvalidParameterValue",
        `The specified instance cannot be restored to a time ${outside}.`,
      );
    const made = await this.makeLike(source, target, call);
    const name = `${target}-${made}`;
    await this.backups.restore(port, at, name, made);
    await this.isThere(target, made);
    return { status: 200, body: restoreBegun(target) };
  }

  /** An instance that MiniStack has from a snapshot, which is how it makes one. @returns its port */
  private async makeLike(source: string, target: string, call: Call): Promise<number> {
    const snapshot = { DBSnapshotIdentifier: `of-${target}` };
    await this.administrator.send(new CreateDBSnapshotCommand({ ...snapshot, DBInstanceIdentifier: source }));
    const { DBInstance: made } = await this.administrator.send(
      new RestoreDBInstanceFromDBSnapshotCommand({
        ...snapshot,
        DBInstanceIdentifier: target,
        DBInstanceClass: call.DBInstanceClass,
        DBSubnetGroupName: call.DBSubnetGroupName,
        StorageType: call.StorageType,
      }),
    );
    await this.administrator.send(new DeleteDBSnapshotCommand(snapshot));
    const port = made?.Endpoint?.Port;
    if (port === undefined) throw new Error(`MiniStack gave ${target} no port`);
    return port;
  }

  private async described(instance: string): Promise<DBInstance | undefined> {
    const { DBInstances = [] } = await this.administrator.send(new DescribeDBInstancesCommand({}));
    return DBInstances.find(({ DBInstanceIdentifier }) => DBInstanceIdentifier === instance);
  }

  private get administrator(): RDSClient {
    if (!this.admin) throw new Error("The front is not connected");
    return this.admin;
  }

  private async delete(instance: string): Promise<void> {
    const port = this.portOf(instance);
    this.ports.delete(instance);
    this.backups.end(port);
    await this.servers.stop(port);
    this.servers.remove(`${instance}-${port}`);
  }

  /** Renames a server: MiniStack then has a new instance on the same port, and no longer the old one. */
  private async rename(from: string, to: string): Promise<void> {
    const db = await this.described(from);
    const made = await this.administrator.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: to,
        DBInstanceClass: db?.DBInstanceClass,
        Engine: db?.Engine,
        EngineVersion: db?.EngineVersion,
        DBName: db?.DBName,
        MasterUsername: db?.MasterUsername,
        Port: db?.Endpoint?.Port,
        BackupRetentionPeriod: db?.BackupRetentionPeriod,
      }),
    );
    await this.administrator.send(
      new DeleteDBInstanceCommand({ DBInstanceIdentifier: from, SkipFinalSnapshot: true }),
    );
    const [given, own] = [made.DBInstance?.DbiResourceId, db?.DbiResourceId];
    if (!given || !own) throw new Error("MiniStack gave an instance no resource id");
    this.sameAs.set(given, this.sameAs.get(own) ?? own);
    this.ports.set(to, this.portOf(from));
    this.ports.delete(from);
  }

  private portOf(instance: string): number {
    const port = this.ports.get(instance);
    if (port === undefined) throw new Error(`No server is known for ${instance}`);
    return port;
  }
}

async function ofClusters(
  clusters: RdsClusters,
  action: string,
  input: Record<string, unknown>,
): Promise<Pick<Answer, "status" | "body">> {
  try {
    return { status: 200, body: answerXml(action, await clusters.answer(action, input)) };
  } catch (error) {
    if (error instanceof RdsRefusal) return { status: 400, body: refused(error.code, error.message) };
    throw error;
  }
}

/** As RDS writes a time: in whole seconds. */
function iso(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
