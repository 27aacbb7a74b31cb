import { ACTING_LIBRARIES } from "../../lambdas/shared/quiet.ts";
import type { Session } from "../../lambdas/shared/session.ts";

/** Settings of production that a separate server must not have: locations, access, and what leaves the machine. */
const LEFT_OUT = [
  "File Locations",
  "Connections and Authentication / Connection Settings",
  "Connections and Authentication / Authentication",
  "Connections and Authentication / SSL",
  "Connections and Authentication / TCP Settings",
  "Replication%",
  "Reporting and Logging%",
  "Write-Ahead Log / Archiving",
  "Write-Ahead Log / Archive Recovery",
  "Write-Ahead Log / Recovery Target",
  "Process Title",
  "Preset Options",
];

/** Set whatever production has: nothing starts by itself, connections come only by the socket, and nothing is sent anywhere. */
const KEPT_STILL: Readonly<Record<string, string>> = {
  max_logical_replication_workers: "0",
  "cron.launch_active_jobs": "off",
  "pg_partman_bgw.dbname": "",
  listen_addresses: "",
  unix_socket_permissions: "0700",
  ssl: "off",
  archive_mode: "off",
  max_wal_senders: "10",
  // Small enough for a laptop.
  shared_buffers: "128MB",
  huge_pages: "off",
  // A copy that breaks when the machine crashes is simply made again.
  fsync: "off",
  full_page_writes: "off",
};

export interface ServerSettings {
  values: Readonly<Record<string, string>>;
  /** Notes about them for the operator. */
  notes: readonly string[];
}

/** Settings of production's server that this role may read and a copy may have. */
export async function settingsForCopy(session: Session): Promise<ServerSettings> {
  const rows = await session.query<{ name: string; value: string }>(
    `SELECT name, reset_val AS value FROM pg_settings
      WHERE source IN ('configuration file', 'command line', 'environment variable')
        AND NOT category LIKE ANY ($1) AND reset_val IS NOT NULL
        AND name NOT IN ('shared_preload_libraries', 'config_file', 'data_directory', 'max_connections')`,
    [LEFT_OUT],
  );
  const [own] = await session.query<{ connections: string; libraries: string | null }>(
    `SELECT current_setting('max_connections') AS connections,
            (SELECT reset_val FROM pg_settings WHERE name = 'shared_preload_libraries') AS libraries`,
  );
  const libraries = own?.libraries
    ?.split(",")
    .map((name) => name.trim().replace(/^"|"$/g, ""))
    .filter((name) => name !== "" && !ACTING_LIBRARIES.includes(name));
  return {
    values: {
      ...Object.fromEntries(rows.map(({ name, value }) => [name, value])),
      max_connections: own?.connections ?? "100",
      ...(libraries === undefined ? {} : { shared_preload_libraries: libraries.join(", ") }),
      ...KEPT_STILL,
    },
    notes:
      libraries === undefined
        ? [
            "This role may not read which libraries the server preloads (shared_preload_libraries, which needs pg_read_all_settings): the copy preloads none.",
          ]
        : [],
  };
}

/** The settings as lines of postgresql.conf. */
export function configurationText(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} = '${value.replace(/\\/g, "\\\\").replace(/'/g, "''")}'\n`)
    .join("");
}
