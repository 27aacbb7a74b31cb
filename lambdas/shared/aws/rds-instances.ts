import {
  CreateDBSnapshotCommand,
  type DBInstance,
  DeleteDBInstanceCommand,
  DeleteDBSnapshotCommand,
  DescribeDBSnapshotsCommand,
  ModifyDBInstanceCommand,
  type RDSClient,
} from "@aws-sdk/client-rds";
import { ErrorName, SluiceError } from "../errors.ts";
import { STAGING_PREFIX } from "../names.ts";
import type {
  Findings,
  Instance,
  InstanceSettings,
  Instances,
  Moments,
  RestoreBegun,
  RestorePurpose,
  SettingsGiven,
  Snapshot,
  Tags,
} from "../ports.ts";
import { attempt, findInstance, look, tagList } from "./rds-calls.ts";
import { findingsOf } from "./rds-findings.ts";
import { RdsMoments } from "./rds-moments.ts";
import { deleteQuietGroup, INSTANCE_GROUPS, quietenInstance, quietGroup } from "./rds-quiet.ts";
import { beginRestore, restoreRequest } from "./rds-restore.ts";
import { asRdsSettings, giveSettings, handOverText, settingsOf } from "./rds-settings.ts";
import { instanceStatus, lacksRoom, servesSessions, snapshotStatus, storageWork } from "./rds-status.ts";

const GIB = 1024 ** 3;

/**
 * Amazon RDS DB instances. Where RDS is busy with an instance, a start silently does nothing. The caller calls again until
 * `describe` shows the result, as the loops of the state machine do.
 */
export class RdsInstances implements Instances {
  // From the RDS user guide: the old name is free earlier; the new one may answer only after this time.
  readonly renameSeconds = 600;
  readonly moments: Moments;
  private readonly client: RDSClient;
  private readonly freeBytes: (instance: string) => Promise<number | undefined>;

  /** @param freeBytes returns the free disk of an available instance, in bytes */
  constructor(client: RDSClient, freeBytes: (instance: string) => Promise<number | undefined>) {
    this.client = client;
    this.moments = new RdsMoments(client);
    this.freeBytes = freeBytes;
  }

  async describe(instance: string): Promise<Instance | undefined> {
    const db = await this.find(instance);
    if (!db) return undefined;
    const statusText = db.DBInstanceStatus ?? "unknown";
    const status = instanceStatus(statusText);
    const storage = storageWork(db);
    const { Address: host, Port: port } = db.Endpoint ?? {};
    return {
      id: instance,
      identity: db.DbiResourceId ?? "",
      status,
      statusText,
      answers: servesSessions(statusText),
      ...(lacksRoom(statusText) ? { noRoom: true } : {}),
      ...(storage === undefined ? {} : { storage }),
      endpoint: host === undefined || port === undefined ? undefined : { host, port },
      engineVersion: db.EngineVersion ?? "",
      // Free disk is only information: a restore must not fail without it.
      freeBytes: status === "available" ? await this.freeBytes(instance).catch(() => undefined) : undefined,
      ...(db.BackupRetentionPeriod === undefined
        ? {}
        : { backups: { days: db.BackupRetentionPeriod, until: db.LatestRestorableTime?.toISOString() } }),
      settings: settingsOf(db),
    };
  }

  async startSnapshot(snapshot: string, instance: string, tags: Tags): Promise<void> {
    await attempt(`take snapshot ${snapshot} of ${instance}`, ["DBSnapshotAlreadyExists"], () =>
      this.client.send(
        new CreateDBSnapshotCommand({
          DBSnapshotIdentifier: snapshot,
          DBInstanceIdentifier: instance,
          Tags: tagList(tags),
        }),
      ),
    );
  }

  async describeSnapshot(snapshot: string): Promise<Snapshot | undefined> {
    const found = await look(`describe snapshot ${snapshot}`, "DBSnapshotNotFound", () =>
      this.client.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: snapshot })),
    );
    const db = found?.DBSnapshots?.[0];
    if (!db) return undefined;
    const statusText = db.Status ?? "unknown";
    return {
      id: snapshot,
      instance: db.DBInstanceIdentifier ?? "",
      status: snapshotStatus(statusText),
      statusText,
      createdAt: db.SnapshotCreateTime?.toISOString(),
      sizeBytes: db.AllocatedStorage === undefined ? undefined : db.AllocatedStorage * GIB,
      engineVersion: db.EngineVersion,
      encrypted: db.Encrypted,
      kmsKey: db.KmsKeyId,
    };
  }

  async deleteSnapshot(snapshot: string): Promise<void> {
    await attempt(`delete snapshot ${snapshot}`, ["DBSnapshotNotFound"], () =>
      this.client.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: snapshot })),
    );
  }

  async inspect(instance: string, tags: Tags): Promise<Findings> {
    const db = await this.find(instance);
    if (!db) throw new SluiceError(ErrorName.FleetFailed, `Instance ${instance} does not exist.`);
    return await findingsOf(this.client, db, tags);
  }

  async startRestore(
    snapshot: string,
    instance: string,
    like: InstanceSettings,
    purpose: RestorePurpose,
    tags: Tags,
    anywhere = false,
  ): Promise<RestoreBegun | undefined> {
    const request = restoreRequest(asRdsSettings(like), purpose, tags, anywhere);
    return await beginRestore(this.client, { snapshot }, instance, request, purpose);
  }

  async finishRestore(
    instance: string,
    like: InstanceSettings,
    purpose: RestorePurpose,
  ): Promise<SettingsGiven> {
    const wanted = asRdsSettings(like);
    const db = await this.find(instance);
    if (!db)
      throw new SluiceError(ErrorName.FleetFailed, `Instance ${instance} is gone: somebody deleted it.`);
    const status = instanceStatus(db.DBInstanceStatus ?? "unknown");
    if (status === "failed")
      throw new SluiceError(
        ErrorName.FleetFailed,
        `Instance ${instance} has the status ${db.DBInstanceStatus}. See its events in the RDS console.`,
      );
    if (status === "pending") return { changing: true, refused: [], underWay: [] };
    return await giveSettings(this.client, { ...db, DBInstanceIdentifier: instance }, wanted, purpose);
  }

  async quiet(group: string, like: InstanceSettings, tags: Tags): Promise<InstanceSettings | undefined> {
    const settings = asRdsSettings(like);
    const ready = await quietGroup(this.client, INSTANCE_GROUPS, group, settings.parameterGroup, tags);
    return ready ? { ...settings, parameterGroup: group } : undefined;
  }

  async quieten(instance: string, group: string): Promise<boolean> {
    const db = await this.find(instance);
    return db ? await quietenInstance(this.client, instance, group, db) : false;
  }

  async deleteQuiet(group: string): Promise<boolean> {
    return await deleteQuietGroup(this.client, INSTANCE_GROUPS, group);
  }

  async startRename(from: string, to: string): Promise<void> {
    // If `to` exists, the rename is done and `from` may already be another instance, which must not be touched.
    if (await this.find(to)) return;
    await attempt(`rename ${from} to ${to}`, ["DBInstanceAlreadyExists"], () =>
      this.client.send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: from,
          NewDBInstanceIdentifier: to,
          ApplyImmediately: true,
        }),
      ),
    );
  }

  async handOver(former: string, restored: string): Promise<string[]> {
    const [was, is] = [await this.find(former), await this.find(restored)];
    return was && is ? handOverText(was, is) : [];
  }

  async startDelete(instance: string): Promise<void> {
    // The IAM policy also forbids deleting any other; this check stops a mistake before the call.
    if (!instance.startsWith(STAGING_PREFIX))
      throw new SluiceError(
        ErrorName.FleetFailed,
        `${instance} is not a staging instance: Sluice does not delete it.`,
      );
    await attempt(`delete ${instance}`, ["DBInstanceNotFound"], () =>
      this.client.send(
        new DeleteDBInstanceCommand({
          DBInstanceIdentifier: instance,
          SkipFinalSnapshot: true,
          DeleteAutomatedBackups: true,
        }),
      ),
    );
  }

  private find(instance: string): Promise<DBInstance | undefined> {
    return findInstance(this.client, instance);
  }
}
