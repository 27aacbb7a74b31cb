import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { Cluster, PORT, tablespacesAt } from "../../local/copies/cluster.ts";
import { serverUser } from "../../local/copies/home.ts";
import { BIN_VARIABLE, findPrograms } from "../../local/copies/programs.ts";
import { addressIn } from "../../local/server/address.ts";
import { NATIVE_URL, onServer } from "./native.ts";
import { nativePrograms } from "./programs.ts";

export interface SourceServer {
  /** Folder of its socket. */
  host: string;
  urlOf(database: string, user?: string): string;
  query<Row>(database: string, sql: string): Promise<Row[]>;
  session<T>(database: string, work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * A server that stands for a real one, with what the native suite's own need not have: pg_cron, logical replication,
 * prepared transactions. It is a physical copy of the native suite's server, with every database that is there now.
 * From then on, until it is closed, PostgreSQL's programs are found where that server's are.
 */
export async function startSource(settings: Readonly<Record<string, string>> = {}): Promise<SourceServer> {
  const native = await nativePrograms();
  if (native) process.env[BIN_VARIABLE] = native.bin;
  const parent = await mkdtemp(join(tmpdir(), "sluice-source-"));
  await chmod(parent, 0o755);
  const [row] = await onServer((s) =>
    s.query<{ major: number }>("SELECT current_setting('server_version_num')::int / 10000 AS major"),
  );
  const programs = await findPrograms(["pg_basebackup", "postgres"], row?.major ?? 0);
  const cluster = new Cluster(join(parent, "1"), programs, await serverUser());
  const address = addressIn(NATIVE_URL);
  await cluster.copyFrom(address, await tablespacesAt(address));
  await cluster.start({
    listen_addresses: "",
    fsync: "off",
    shared_buffers: "64MB",
    wal_level: "logical",
    max_prepared_transactions: "5",
    ...settings,
  });
  const urlOf = (database: string, user = "postgres") =>
    `postgresql://${user}@/${database}?host=${encodeURIComponent(cluster.folder)}&port=${PORT}`;
  const session = <T>(database: string, work: (session: Session) => Promise<T>) =>
    withPgSession({ host: cluster.folder, port: PORT, user: "postgres", database }, work);
  return {
    host: cluster.folder,
    urlOf,
    session,
    query: (database, sql) => session(database, (s) => s.query(sql)),
    async close() {
      await cluster.stop();
      await rm(parent, { recursive: true, force: true });
      delete process.env[BIN_VARIABLE];
      await native?.remove();
    },
  };
}

/** Polls until the condition holds. The suite's time limit ends it. */
export async function until(so: () => Promise<boolean>): Promise<void> {
  while (!(await so())) await new Promise((resolve) => setTimeout(resolve, 100));
}
