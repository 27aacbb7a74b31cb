import { asidePrefix } from "../../../lambdas/shared/names.ts";
import type {
  Databases,
  Http,
  Instance,
  Instances,
  Moments,
  RestoreBegun,
  SettingsGiven,
  Snapshot,
} from "../../../lambdas/shared/ports.ts";
import type { Session } from "../../../lambdas/shared/session.ts";
import { type Environment, PRODUCTION, type SavedEnvironment, type Sight } from "./environment.ts";
import { StandInDatabase } from "./stand-in-database.ts";
import { standInTasks } from "./stand-in-tasks.ts";

export interface Contents {
  databases: ReadonlyMap<string, StandInDatabase>;
  taken: ReadonlyMap<string, StandInDatabase>;
  running: boolean;
}

/** Stand-ins for databases, and the tasks that work on them. */
export class StandInEnvironment implements Environment, Instances, Databases {
  readonly instances = this;
  readonly databases = this;
  readonly single = true;
  readonly renameSeconds = 0;
  readonly moments: Moments = {
    by: "copy",
    baseAt: async () => undefined,
    hold: async ({ name, instance }) => {
      await this.startSnapshot(name, instance);
      return true;
    },
    describe: async ({ name }) =>
      this.taken.has(name)
        ? { status: "available", statusText: "It can be restored." }
        : { status: "failed", statusText: "It was not kept." },
    startRestore: ({ name }, instance) => this.startRestore(name, instance),
    release: async ({ name }) => this.deleteSnapshot(name),
  };
  readonly tasks = standInTasks((host) => this.at(host));
  protected readonly held: Map<string, StandInDatabase>;
  protected readonly taken: Map<string, StandInDatabase>;
  protected running: boolean;

  constructor(
    { databases, taken, running }: Contents = {
      databases: new Map([[PRODUCTION, new StandInDatabase()]]),
      taken: new Map(),
      running: true,
    },
  ) {
    this.held = new Map([...databases].map(([name, database]) => [name, database.twin()]));
    this.taken = new Map(taken);
    this.running = running;
  }

  readonly http: Http = {
    request: async (method, url) => {
      const { pathname } = new URL(url);
      if (method === "POST") this.running = pathname === "/start";
      const refused = method === "GET" && (!this.running || this.at(PRODUCTION).fenced);
      return { status: refused ? 500 : 200, body: "the first note" };
    },
  };

  async withSession<T>({ host }: { host: string }, work: (session: Session) => Promise<T>): Promise<T> {
    return await work(this.at(host).session());
  }

  async describe(instance: string): Promise<Instance | undefined> {
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
    if (!this.taken.has(id)) this.taken.set(id, this.at(instance).copy());
  }

  async describeSnapshot(id: string): Promise<Snapshot | undefined> {
    return this.taken.has(id)
      ? { id, instance: PRODUCTION, status: "available", statusText: "available" }
      : undefined;
  }

  async deleteSnapshot(id: string): Promise<void> {
    this.taken.delete(id);
  }

  async startRestore(snapshot: string, instance: string): Promise<RestoreBegun | undefined> {
    const copy = this.taken.get(snapshot)?.copy();
    if (copy && !this.held.has(instance)) this.held.set(instance, copy);
    return undefined;
  }

  async finishRestore(): Promise<SettingsGiven> {
    return { changing: false, refused: [], underWay: [] };
  }

  async handOver(): Promise<string[]> {
    return [];
  }

  async startRename(from: string, to: string): Promise<void> {
    if (this.held.has(to)) return;
    this.held.set(to, this.at(from));
    this.held.delete(from);
  }

  async startDelete(instance: string): Promise<void> {
    this.held.delete(instance);
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
    const { has, fenced, claimed } = this.at(name ?? PRODUCTION);
    return {
      contents: [...has].sort().join(),
      access: fenced ? "closed" : "open",
      claims: claimed ? ["the run"] : [],
    };
  }

  async save(): Promise<SavedEnvironment> {
    const saved = new StandInEnvironment(this.contents());
    return () => new StandInEnvironment(saved.contents());
  }

  protected contents(): Contents {
    return { databases: this.held, taken: this.taken, running: this.running };
  }

  async close(): Promise<void> {}

  protected at(host: string): StandInDatabase {
    const found = this.held.get(host);
    if (!found) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: "ENOTFOUND" });
    return found;
  }
}
