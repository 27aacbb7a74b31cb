import type { Stats } from "node:fs";
import { homedir } from "node:os";
import { posix, win32 } from "node:path";

const PLACES = {
  passwords: { unix: ".pgpass", windows: "pgpass.conf" },
  services: { unix: ".pg_service.conf", windows: ".pg_service.conf" },
  "root.crt": { unix: ".postgresql/root.crt", windows: "root.crt" },
  "postgresql.crt": { unix: ".postgresql/postgresql.crt", windows: "postgresql.crt" },
  "postgresql.key": { unix: ".postgresql/postgresql.key", windows: "postgresql.key" },
} as const;

/** A file of the user, where libpq looks for it. */
export function ownFile(
  what: keyof typeof PLACES,
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
): string {
  const { unix, windows } = PLACES[what];
  if (platform !== "win32") return posix.join(homedir(), unix);
  return win32.join(env.APPDATA ?? win32.join(homedir(), "AppData\\Roaming"), "postgresql", windows);
}

/** Whether others have the permissions in `bits`. On Windows the mode has no meaning, and libpq does not check it. */
export function isOpenTo(
  { mode }: Pick<Stats, "mode">,
  bits: number,
  platform: NodeJS.Platform = process.platform,
): boolean {
  return platform !== "win32" && (mode & bits) !== 0;
}
