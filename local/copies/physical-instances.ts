import { join } from "node:path";
import { ErrorName, SluiceError } from "../../lambdas/shared/errors.ts";
import type { Databases, Instance, Instances, SettingsGiven, Snapshot } from "../../lambdas/shared/ports.ts";
import { requireRow, type Session } from "../../lambdas/shared/session.ts";
import type { Address } from "../server/address.ts";
import { withGuestAt, withSessionAt } from "../server/session.ts";
import { Cluster, PORT, tablespacesAt } from "./cluster.ts";
import { type Home, makeHome, type RunsAs, serverUser } from "./home.ts";
import { PhysicalMoments } from "./physical-moments.ts";
import { findPrograms, type Programs } from "./programs.ts";
import { type ServerSettings, settingsForCopy } from "./server-settings.ts";
import { KEEPS_WAL, WalArchive } from "./wal-archive.ts";

/** Production, its base backup, a snapshot of it and staging exist at the same time, with their logs. */
const COPIES = 4;
const BESIDES_BYTES = 1024 ** 3;

/** Archived WAL is kept until the instances are closed: reported as the longest that RDS keeps it. */
const KEPT_DAYS = 35;

interface Running {
  cluster: Cluster;
  identity: string;
  archive?: WalArchive;
}

/**
 * Servers on this machine as instances: an instance is a separate server, and a snapshot is a copy of its files, as on RDS.
 * pg_basebackup makes the first instance from a real server, which is only read. The first instance has backups, too.
 */
export class PhysicalInstances implements Instances, Databases {
  readonly single = false;
  readonly renameSeconds = 0;
  readonly moments = new PhysicalMoments({
    archiveOf: (which) => this.find(which)?.archive,
    has: (instance) => this.instances.has(instance),
    restore: async (archive, instance, at) => {
      const cluster = this.next();
      await archive.restore(cluster, this.settings.values, at);
      this.add(instance, cluster);
    },
  });
  private readonly instances = new Map<string, Running>();
  private readonly snapshots = new Map<string, Cluster>();
  private made = 0;

  private constructor(
    /** Production's address, whose role and database every copy has. */
    private readonly address: Address,
    private readonly programs: Programs,
    private readonly settings: ServerSettings,
    private readonly home: Home,
    private readonly runsAs: RunsAs | undefined,
    private readonly walEveryMs: number,
  ) {}

  /**
   * @param walEverySeconds how often WAL is archived; the newest moment that can be restored trails by that interval
   * @throws UsageError naming what physical copies lack here
   */
  static async at(address: Address, walEverySeconds = 1): Promise<PhysicalInstances> {
    const { settings, version, bytes } = await withGuestAt(
      address,
      { application_name: "sluice" },
      {},
      async (session) => ({
        settings: await settingsForCopy(session),
        ...(await requireRow<{ version: number; bytes: number }>(
          session,
          `SELECT current_setting('server_version_num')::int AS version,
                  (SELECT sum(pg_database_size(oid))::float8 FROM pg_database WHERE has_database_privilege(oid, 'CONNECT')) AS bytes`,
        )),
      }),
    );
    const programs = await findPrograms(["pg_basebackup", "postgres"], Math.floor(version / 10_000));
    const runsAs = await serverUser();
    const home = await makeHome(COPIES * bytes + BESIDES_BYTES, runsAs);
    return new PhysicalInstances(address, programs, settings, home, runsAs, walEverySeconds * 1000);
  }

  /** Makes the first instance. @returns notes for the operator */
  async copy(instance: string): Promise<string[]> {
    const cluster = this.next();
    await cluster.copyFrom(this.address, await tablespacesAt(this.address));
    await cluster.start({ ...this.settings.values, ...KEEPS_WAL });
    this.add(instance, cluster);
    const folder = join(this.home.folder, "wal");
    const archive = await WalArchive.of(cluster, this.address, this.next(), folder, this.walEveryMs);
    this.add(instance, cluster, archive);
    const [row] = await this.withSession({ host: cluster.folder }, (session) =>
      session.query<{ differs: boolean }>(
        `SELECT datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid) AS differs
           FROM pg_database WHERE datname = current_database()`,
      ),
    );
    return [
      ...this.settings.notes,
      ...(row?.differs
        ? [
            "This machine sorts text by another version of the collation: indexes on text of the copy may be out of order.",
          ]
        : []),
    ];
  }

  async withSession<T>(
    endpoint: { host: string },
    work: (session: Session) => Promise<T>,
    database = this.address.database,
  ): Promise<T> {
    const found = [...this.instances.values()].find(({ cluster }) => cluster.folder === endpoint.host);
    if (!found) throw new SluiceError(ErrorName.FleetFailed, `There is no instance at ${endpoint.host}.`);
    return await withSessionAt({ ...found.cluster.address(this.address), database }, {}, work);
  }

  async describe(instance: string): Promise<Instance | undefined> {
    const found = this.instances.get(instance);
    if (!found) return undefined;
    const { version } = await this.withSession({ host: found.cluster.folder }, (session) =>
      requireRow<{ version: string }>(session, "SELECT current_setting('server_version') AS version"),
    );
    return {
      id: instance,
      identity: found.identity,
      status: "available",
      statusText: "available",
      endpoint: { host: found.cluster.folder, port: PORT },
      engineVersion: version,
      backups: found.archive
        ? { days: KEPT_DAYS, until: (await found.archive.until()).toISOString() }
        : { days: 0 },
      settings: {},
    };
  }

  async startSnapshot(snapshot: string, instance: string): Promise<void> {
    if (this.snapshots.has(snapshot)) return;
    const from = this.need(instance).cluster.address(this.address);
    const cluster = this.next();
    await cluster.copyFrom(from, await tablespacesAt(from));
    this.snapshots.set(snapshot, cluster);
  }

  async describeSnapshot(snapshot: string): Promise<Snapshot | undefined> {
    if (!this.snapshots.has(snapshot)) return undefined;
    return { id: snapshot, instance: "", status: "available", statusText: "available" };
  }

  async deleteSnapshot(snapshot: string): Promise<void> {
    this.snapshots.get(snapshot)?.remove();
    this.snapshots.delete(snapshot);
  }

  async startRestore(snapshot: string, instance: string): Promise<undefined> {
    if (this.instances.has(instance)) return;
    const from = this.snapshots.get(snapshot);
    if (!from) throw new SluiceError(ErrorName.FleetFailed, `There is no snapshot ${snapshot}.`);
    const cluster = this.next();
    await cluster.copyFiles(from);
    await cluster.start(this.settings.values);
    this.add(instance, cluster);
  }

  async handOver(): Promise<string[]> {
    return [];
  }

  async finishRestore(): Promise<SettingsGiven> {
    return { changing: false, refused: [], underWay: [] };
  }

  async startRename(from: string, to: string): Promise<void> {
    const found = this.instances.get(from);
    if (!found) return;
    if (this.instances.has(to))
      throw new SluiceError(ErrorName.FleetFailed, `There already is an instance ${to}.`);
    this.instances.set(to, found);
    this.instances.delete(from);
  }

  async startDelete(instance: string): Promise<void> {
    const found = this.instances.get(instance);
    if (!found) return;
    this.instances.delete(instance);
    await found.cluster.stop();
    found.cluster.remove();
  }

  /** Stops every server, and removes all files. */
  async close(): Promise<void> {
    await Promise.all([...this.instances.values()].map(({ cluster }) => cluster.stop()));
    this.home.remove();
  }

  private add(instance: string, cluster: Cluster, archive?: WalArchive): void {
    this.instances.set(instance, { cluster, identity: cluster.folder, ...(archive ? { archive } : {}) });
  }

  private find(which: string | { identity: string }): Running | undefined {
    if (typeof which === "string") return this.instances.get(which);
    return [...this.instances.values()].find(({ identity }) => identity === which.identity);
  }

  private next(): Cluster {
    this.made += 1;
    return new Cluster(join(this.home.folder, String(this.made)), this.programs, this.runsAs);
  }

  private need(instance: string): Running {
    const found = this.instances.get(instance);
    if (!found) throw new SluiceError(ErrorName.FleetFailed, `There is no instance ${instance}.`);
    return found;
  }
}
