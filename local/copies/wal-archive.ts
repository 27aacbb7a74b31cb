import { constants, mkdirSync, readdirSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { ErrorName, SluiceError } from "../../lambdas/shared/errors.ts";
import { requireRow } from "../../lambdas/shared/session.ts";
import type { Address } from "../server/address.ts";
import { maintenanceFor } from "../server/fit.ts";
import { withSessionAt } from "../server/session.ts";
import { type Cluster, tablespacesAt } from "./cluster.ts";

/** Keeps every segment until it is archived. */
export const KEEPS_WAL = { wal_keep_size: "1000TB" };

const IS_SEGMENT = /^[0-9A-F]{24}$/;

/**
 * A base backup of a running server, and the WAL archived since. From these a server is restored to the state at any
 * moment since the backup. As on RDS, WAL is archived at intervals, so the newest moment trails behind.
 */
export class WalArchive {
  private sent: number;
  private sending: Promise<Date> | undefined;

  private constructor(
    private readonly source: Cluster,
    private readonly address: Address,
    private readonly base: Cluster,
    private readonly folder: string,
    private readonly everyMs: number,
    /** When the base backup was complete, by the server's clock. */
    readonly from: Date,
  ) {
    this.sent = from.getTime();
  }

  /**
   * @param address of the server's database and role, wherever its copies are
   * @param base the base backup, which is made
   * @param folder folder for the WAL, which is made
   */
  static async of(
    source: Cluster,
    address: Address,
    base: Cluster,
    folder: string,
    everyMs: number,
  ): Promise<WalArchive> {
    mkdirSync(folder, { mode: 0o700 });
    const at = source.address(address);
    await base.copyFrom(at, await tablespacesAt(at));
    const { now } = await withSessionAt(at, {}, (session) =>
      requireRow<{ now: Date }>(session, "SELECT clock_timestamp() AS now"),
    );
    return new WalArchive(source, address, base, folder, everyMs, now);
  }

  /** The newest moment that can be restored: everything committed before it is archived. */
  async until(): Promise<Date> {
    if (Date.now() - this.sent >= this.everyMs) {
      this.sending ??= this.send().finally(() => {
        this.sending = undefined;
      });
      this.sent = (await this.sending).getTime();
    }
    return new Date(this.sent);
  }

  /** Starts a server in the source's state at the moment. @param at ISO 8601 @throws SluiceError FleetFailed with the server's log */
  async restore(to: Cluster, settings: Readonly<Record<string, string>>, at: string): Promise<void> {
    await to.copyFiles(this.base);
    for (const segment of readdirSync(this.folder))
      await copyFile(join(this.folder, segment), join(to.wal, segment), constants.COPYFILE_FICLONE);
    await to.start(settings, at);
  }

  /**
   * Recovery to a moment ends at the first transaction that committed after it. An idle server has none, so this commits one
   * that writes nothing. Then it closes the segment and archives it, with everything before.
   */
  private async send(): Promise<Date> {
    const { now, segment } = await withSessionAt(await this.superuser(), {}, async (session) => {
      const { now } = await requireRow<{ now: Date }>(session, "SELECT clock_timestamp() AS now");
      await session.query("SELECT pg_current_xact_id()");
      const { segment } = await requireRow<{ segment: string }>(
        session,
        "SELECT pg_walfile_name(pg_switch_wal()) AS segment",
      );
      return { now, segment };
    });
    const there = new Set(readdirSync(this.folder));
    for (const name of readdirSync(this.source.wal))
      if (IS_SEGMENT.test(name) && name <= segment && !there.has(name))
        await copyFile(join(this.source.wal, name), join(this.folder, name), constants.COPYFILE_FICLONE);
    return now;
  }

  /** A superuser's address: closing a segment needs one, and the copy's socket accepts every role. */
  private async superuser(): Promise<Address> {
    const at = this.source.address(this.address);
    const [found] = await withSessionAt(at, {}, (session) =>
      session.query<{ user: string }>(
        "SELECT rolname AS user FROM pg_roles WHERE rolsuper AND rolcanlogin ORDER BY oid LIMIT 1",
      ),
    );
    if (!found)
      throw new SluiceError(
        ErrorName.FleetFailed,
        "The server has no superuser that may log in, and only a superuser can close a segment of the WAL. So nothing can be restored to a moment here.",
      );
    return { ...at, user: found.user, database: maintenanceFor(at.database), options: undefined };
  }
}
