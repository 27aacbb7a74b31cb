import type { BackupDoc } from "../shared/documents.ts";
import type { RunSettings } from "../shared/settings.ts";

/** The source of a restore. A clone takes minutes at any size; the others take longer for more data. */
export type CopyKind = "moment" | "clone" | "snapshot";

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
