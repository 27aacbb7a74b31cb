import type { BackupDoc } from "../shared/documents.ts";
import { isPostgresError } from "../shared/errors.ts";
import { requireRow, type Session } from "../shared/session.ts";
import type { RunSettings } from "../shared/settings.ts";
import { bytes, moment as words } from "../shared/text.ts";

/** The source of a restore. A clone takes minutes at any size; the others take longer for more data. */
type CopyKind = "moment" | "clone" | "snapshot";

/** Returns what production would be restored from. */
export function backupKind(
  backup: Pick<BackupDoc, "by"> | null | undefined,
  settings: Pick<RunSettings, "cluster"> | undefined,
): CopyKind {
  if (backup?.by === "point-in-time") return "moment";
  return settings?.cluster?.backup === "clone" ? "clone" : "snapshot";
}

export const RESTORES: Readonly<Record<CopyKind, string>> = {
  moment: "Restore to the moment",
  clone: "Put the clone in production's place",
  snapshot: "Restore the snapshot",
};

/**
 * The server's WAL rate in bytes per hour, since its counter was last reset; null if the server does not report it.
 */
export async function walRate(session: Session): Promise<number | null> {
  try {
    return await readWalRate(session);
  } catch (error) {
    // Optional: some servers that speak PostgreSQL's protocol do not count their WAL.
    if (isPostgresError(error)) return null;
    throw error;
  }
}

async function readWalRate(session: Session): Promise<number | null> {
  const { counts } = await requireRow<{ counts: boolean }>(
    session,
    "SELECT to_regclass('pg_catalog.pg_stat_wal') IS NOT NULL AS counts",
  );
  if (!counts) return null;
  const [row] = await session.query<{ rate: number | null }>(
    `SELECT (wal_bytes / nullif(extract(epoch FROM clock_timestamp() - stats_reset), 0) * 3600)::float8 AS rate
       FROM pg_stat_wal`,
  );
  return row?.rate == null ? null : Math.round(row.rate);
}

/** Bytes of WAL that a restore to that moment replays, estimated from the server's rate; null: unknown. */
export function replayedBytes(
  { baseAt, bytesPerHour }: { baseAt: string | null; bytesPerHour: number | null },
  until: string,
): number | null {
  if (bytesPerHour === null) return null;
  // If the time of the base backup is unknown, assume a day: base backups are taken daily.
  const hours = baseAt === null ? 24 : Math.max(0, Date.parse(until) - Date.parse(baseAt)) / 3_600_000;
  return Math.round(bytesPerHour * hours);
}

/** The cost of a restore to a moment, such as `about 12 GiB of WAL, written since 2026-11-03 01:10:00 UTC`. */
export function replayText({ bytes: size, baseAt }: { bytes: number | null; baseAt: string | null }): string {
  const much = size === null ? "WAL of unknown size" : `about ${bytes(size)} of WAL`;
  return `${much}, written since ${baseAt === null ? "the last base backup, at most a day" : words(baseAt)}`;
}
