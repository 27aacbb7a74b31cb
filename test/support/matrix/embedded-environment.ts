import { randomUUID } from "node:crypto";
import { takeFingerprint } from "../../../lambdas/proof/catalog.ts";
import { listTables, takeTableContent } from "../../../lambdas/proof/checksums.ts";
import { asidePrefix } from "../../../lambdas/shared/names.ts";
import type {
  Databases,
  Http,
  Instances,
  Moments,
  SettingsGiven,
  Snapshot,
} from "../../../lambdas/shared/ports.ts";
import type { Session } from "../../../lambdas/shared/session.ts";
import type { LoadedPlan } from "../../../lib/plan/compile.ts";
import { EmbeddedInstance } from "../../../local/embedded-instance.ts";
import { TASKS } from "../../../local/tasks.ts";
import { type Environment, PRODUCTION, type SavedEnvironment, type Sight } from "./environment.ts";

/** An instance, or the dump of one that is not open yet. */
interface Held {
  identity: string;
  /** Its last dump, and the log's position at that time. */
  dumped: { data: Blob; log: string } | undefined;
  live: EmbeddedInstance | undefined;
}

interface Contents {
  instances: ReadonlyMap<string, Held>;
  snapshots: ReadonlyMap<string, { snapshot: Snapshot; data: Blob }>;
  /** Moments. */
  askedFor: ReadonlySet<string>;
  running: boolean;
}

/** The real tasks, on embedded databases. A database is loaded only when it is opened. */
export class EmbeddedEnvironment implements Environment, Instances, Databases {
  readonly instances = this;
  readonly databases = this;
  readonly tasks = TASKS;
  readonly single = true;
  readonly renameSeconds = 0;
  /** Kept when it is held, and restorable only at the second request, as an archive trails behind. */
  readonly moments: Moments = {
    by: "copy",
    baseAt: async () => undefined,
    hold: async ({ name, instance }) => {
      await this.startSnapshot(name, instance);
      return true;
    },
    describe: async ({ name }) => {
      if (!this.taken.has(name)) return { status: "failed", statusText: "It was not kept." };
      const trails = !this.askedFor.has(name);
      this.askedFor.add(name);
      return trails
        ? { status: "pending", statusText: "The archive trails." }
        : { status: "available", statusText: "It can be restored." };
    },
    startRestore: ({ name }, instance) => this.startRestore(name, instance),
    release: async ({ name }) => this.deleteSnapshot(name),
  };
  private readonly held: Map<string, Held>;
  private readonly taken: Map<string, { snapshot: Snapshot; data: Blob }>;
  private readonly askedFor: Set<string>;
  private running: boolean;

  private constructor(
    private readonly owner: string,
    { instances, snapshots, askedFor, running }: Contents,
  ) {
    this.askedFor = new Set(askedFor);
    this.held = new Map(instances);
    this.taken = new Map(snapshots);
    this.running = running;
  }

  static async fromBaseline({ plan, local }: LoadedPlan): Promise<EmbeddedEnvironment> {
    if (!local) throw new Error(`The plan ${plan.name} has no baseline`);
    const live = await EmbeddedInstance.fromBaseline(local.owner, local.baseline, []);
    const production: Held = { identity: randomUUID(), dumped: undefined, live };
    return new EmbeddedEnvironment(local.owner, {
      instances: new Map([[PRODUCTION, production]]),
      snapshots: new Map(),
      askedFor: new Set(),
      running: true,
    });
  }

  readonly http: Http = {
    request: async (method, url) => {
      const { pathname } = new URL(url);
      if (method === "POST") {
        this.running = pathname === "/start";
        return { status: 200, body: "" };
      }
      if (!this.running) return { status: 503, body: "" };
      const live = await this.open(PRODUCTION);
      const body = await live.withApplicationSession("notes_app", (session) =>
        session.query("SELECT body FROM note WHERE id = 1"),
      );
      return { status: 200, body: JSON.stringify(body) };
    },
  };

  async withSession<T>({ host }: { host: string }, work: (session: Session) => Promise<T>): Promise<T> {
    // An address belongs to a name, as on RDS, not to an instance.
    if (!this.held.has(host))
      throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: "ENOTFOUND" });
    return await (await this.open(host)).withSession(work);
  }

  async describe(instance: string) {
    const found = this.held.get(instance);
    return (
      found && {
        id: instance,
        identity: found.identity,
        status: "available" as const,
        statusText: "available",
        endpoint: { host: instance, port: 5432 },
        engineVersion: "18",
        settings: {},
      }
    );
  }

  async startSnapshot(id: string, instance: string): Promise<void> {
    if (this.taken.has(id)) return;
    const createdAt = new Date().toISOString();
    const data = await this.dump(this.need(instance));
    const snapshot = { id, instance, status: "available" as const, statusText: "available", createdAt };
    this.taken.set(id, { data, snapshot });
  }

  async describeSnapshot(id: string): Promise<Snapshot | undefined> {
    return this.taken.get(id)?.snapshot;
  }

  async deleteSnapshot(id: string): Promise<void> {
    this.taken.delete(id);
  }

  async startRestore(snapshot: string, instance: string): Promise<undefined> {
    const data = this.taken.get(snapshot)?.data;
    if (this.held.has(instance) || !data) return;
    this.held.set(instance, { identity: randomUUID(), dumped: { data, log: "" }, live: undefined });
  }

  async finishRestore(): Promise<SettingsGiven> {
    return { changing: false, refused: [], underWay: [] };
  }

  async handOver(): Promise<string[]> {
    return [];
  }

  async startRename(from: string, to: string): Promise<void> {
    if (this.held.has(to)) return;
    this.held.set(to, this.need(from));
    this.held.delete(from);
  }

  async startDelete(instance: string): Promise<void> {
    const found = this.held.get(instance);
    this.held.delete(instance);
    await found?.live?.close();
  }

  instanceNames(): string[] {
    return [...this.held.keys()];
  }

  snapshots(): string[] {
    return [...this.taken.keys()];
  }

  applicationRuns(): boolean {
    return this.running;
  }

  async look(): Promise<Sight> {
    const name = this.held.has(PRODUCTION)
      ? PRODUCTION
      : this.instanceNames().find((id) => id.startsWith(asidePrefix(PRODUCTION)));
    if (name === undefined) throw new Error("There is neither production nor a former one");
    const found = this.need(name);
    // Not opened since its dump, so it is unchanged.
    const data = found.live ? undefined : found.dumped?.data;
    const known = data && SEEN.get(data);
    if (known) return known;
    const sight = await (await this.open(name)).withSession(lookAt);
    if (data) SEEN.set(data, sight);
    return sight;
  }

  async save(): Promise<SavedEnvironment> {
    const instances = new Map<string, Held>();
    for (const [name, found] of this.held) {
      await this.dump(found);
      instances.set(name, { ...found, live: undefined });
    }
    const contents = {
      instances,
      snapshots: new Map(this.taken),
      askedFor: new Set(this.askedFor),
      running: this.running,
    };
    // Each walk that continues from here opens its own databases.
    return () =>
      new EmbeddedEnvironment(this.owner, {
        ...contents,
        instances: new Map([...instances].map(([name, found]) => [name, { ...found }])),
      });
  }

  async close(): Promise<void> {
    for (const { live } of this.held.values()) await live?.close();
  }

  private async dump(found: Held): Promise<Blob> {
    const { live } = found;
    if (!live && found.dumped) return found.dumped.data;
    if (!live) throw new Error("An instance that is neither open nor dumped");
    const log = await live.withSession(logPosition);
    if (found.dumped?.log !== log) found.dumped = { data: await live.dump(), log };
    return found.dumped.data;
  }

  private async open(instance: string): Promise<EmbeddedInstance> {
    const found = this.need(instance);
    if (!found.live && found.dumped) found.live = await EmbeddedInstance.load(this.owner, found.dumped.data);
    if (!found.live) throw new Error(`${instance} cannot be opened`);
    return found.live;
  }

  private need(instance: string): Held {
    const found = this.held.get(instance);
    if (!found) throw new Error(`There is no instance ${instance}`);
    return found;
  }
}

/** Contents of dumps that were read. */
const SEEN = new WeakMap<Blob, Sight>();

async function logPosition(session: Session): Promise<string> {
  const [row] = await session.query<{ at: string }>("SELECT pg_current_wal_insert_lsn()::text AS at");
  return row?.at ?? "";
}

async function lookAt(session: Session): Promise<Sight> {
  const { hash } = await takeFingerprint(session);
  const tables = [];
  for (const { table, columns } of await listTables(session))
    tables.push(await takeTableContent(session, table, columns, "full"));
  const [access] = await session.query<{ acl: string }>(
    `SELECT coalesce((SELECT string_agg(item::text, ',' ORDER BY item::text)
                        FROM unnest(coalesce(datacl, acldefault('d', datdba))) AS item), '') AS acl
       FROM pg_database WHERE datname = current_database()`,
  );
  const [ledger] = await session.query("SELECT FROM pg_namespace WHERE nspname = 'sluice'");
  const claims = ledger ? await session.query<{ run: string }>("SELECT run FROM sluice.claim") : [];
  return {
    contents: JSON.stringify({ hash, tables }),
    access: access?.acl ?? "",
    claims: claims.map(({ run }) => run),
  };
}
