import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import {
  CreateDBInstanceCommand,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  type RDSClient,
} from "@aws-sdk/client-rds";
import { STAGING_PREFIX } from "../../lambdas/shared/names.ts";
import type { Certificates } from "./certificates.ts";
import type { PostgresServers } from "./postgres.ts";
import { answerAbout, filling } from "./rds-answers.ts";

/** How far a copy's volume is filled, whenever that is asked. */
export const PERCENT = 37;

/** A call of RDS's query API, as it came. */
export type Call = Readonly<Record<string, string>>;

interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  body: string;
}

/**
 * RDS as the functions find it: MiniStack's own API, which knows instances and snapshots but has no data, with a real
 * PostgreSQL server on every port that it advertises. Every call is passed on as it came, signature and all, and only
 * what MiniStack granted is done. Added to its API are: the data; renames, which it takes and does not do, and by which an
 * instance stays the same one; the end of a change of parameters, which it leaves "applying"; what lies around an instance,
 * of which it knows nothing; that a copy's volume is filled while it is used; and what a test has refused.
 */
export class RdsFront {
  /** The answer to the next call that it is for; undefined: the call is passed on. */
  refuseNext: ((call: Call) => string | undefined) | undefined;
  /** What was asked, in order. */
  readonly calls: Call[] = [];
  readonly ports = new Map<string, number>();
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

  /** An instance whose server runs already. */
  adopt(instance: string, port: number): void {
    this.ports.set(instance, port);
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
      const answer = await this.pass(asked, body);
      // What MiniStack does not know, and so refuses to nobody by his role.
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
    this.ports.set(instance, port);
  }

  private async delete(instance: string): Promise<void> {
    const port = this.portOf(instance);
    this.ports.delete(instance);
    await this.servers.stop(port);
    this.servers.remove(`${instance}-${port}`);
  }

  /** The same server under another name: MiniStack has it as a new instance on the same port, and the old one no more. */
  private async rename(from: string, to: string): Promise<void> {
    if (!this.admin) throw new Error("The front is not connected");
    const found = await this.admin.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: from }));
    const db = found.DBInstances?.[0];
    const made = await this.admin.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: to,
        DBInstanceClass: db?.DBInstanceClass,
        Engine: db?.Engine,
        EngineVersion: db?.EngineVersion,
        DBName: db?.DBName,
        MasterUsername: db?.MasterUsername,
        Port: db?.Endpoint?.Port,
      }),
    );
    await this.admin.send(
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

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
