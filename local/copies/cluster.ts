import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { cp, lstat, readdir, readlink, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { ErrorName, SluiceError } from "../../lambdas/shared/errors.ts";
import { plain } from "../../lambdas/shared/text.ts";
import type { Address } from "../server/address.ts";
import { withSessionAt } from "../server/session.ts";
import type { RunsAs } from "./home.ts";
import { environmentFor, ProgramFailed, type Programs, run } from "./programs.ts";
import { configurationText } from "./server-settings.ts";

export const PORT = 5432;
const START_SECONDS = 600;
const LOOK_EVERY_MS = 50;

/** Tablespaces are outside of a server's data folder; a copy's are beside it. */
export interface Tablespace {
  oid: string;
  location: string;
}

/** The files of a PostgreSQL server, in this run's folder: `data`, `tablespaces`, its socket and its log. */
export class Cluster {
  private process: ChildProcess | undefined;
  constructor(
    readonly folder: string,
    private readonly programs: Programs,
    private readonly runsAs: RunsAs | undefined,
  ) {}

  /** Copies the server at that address, in its state at the end of the copy. @throws SluiceError FleetFailed with the server's error */
  async copyFrom(address: Address, tablespaces: readonly Tablespace[]): Promise<void> {
    mkdirSync(this.folder, { mode: 0o700 });
    const mapped = tablespaces.flatMap(({ oid, location }) => [
      "--tablespace-mapping",
      `${escaped(location)}=${escaped(join(this.folder, "tablespaces", oid))}`,
    ]);
    const flags = ["--wal-method=stream", "--checkpoint=fast", "--no-sync", "--no-password", "--no-manifest"];
    try {
      await run(
        join(this.programs.folder, "pg_basebackup"),
        ["--pgdata", this.data, ...flags, ...mapped],
        environmentFor(address),
      );
    } catch (error) {
      this.remove();
      if (error instanceof ProgramFailed)
        throw new SluiceError(ErrorName.FleetFailed, refusedText(address, error), { cause: error });
      throw error;
    }
  }

  /** Copies the files of another cluster that is not in use. */
  async copyFiles(from: Cluster): Promise<void> {
    await cp(from.folder, this.folder, {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
    });
    const links = join(this.data, "pg_tblspc");
    for (const name of await readdir(links)) {
      const link = join(links, name);
      if (!(await lstat(link)).isSymbolicLink()) continue;
      await unlink(link);
      await symlink(
        (await readlink(join(from.data, "pg_tblspc", name))).replace(from.folder, this.folder),
        link,
      );
    }
  }

  /**
   * Starts a server on the files. Only this user reaches it, by its socket.
   * @param recoverTo for a base backup: recovers to its state at that moment, ISO 8601, with the WAL in its folder
   * @throws SluiceError FleetFailed with the server's log
   */
  async start(settings: Readonly<Record<string, string>>, recoverTo?: string): Promise<void> {
    const recovery = recoverTo === undefined ? {} : recoveryTo(recoverTo);
    const own = { ...settings, ...recovery, port: String(PORT), unix_socket_directories: this.folder };
    writeFileSync(join(this.data, "postgresql.conf"), configurationText(own), { mode: 0o600 });
    writeFileSync(join(this.data, "postgresql.auto.conf"), "", { mode: 0o600 });
    // Only this user may enter the socket's folder.
    writeFileSync(join(this.data, "pg_hba.conf"), "local all all trust\nlocal replication all trust\n", {
      mode: 0o600,
    });
    writeFileSync(join(this.data, "pg_ident.conf"), "", { mode: 0o600 });
    for (const name of ["standby.signal", "recovery.signal", "postmaster.pid"])
      rmSync(join(this.data, name), { force: true });
    if (recoverTo !== undefined) writeFileSync(join(this.data, "recovery.signal"), "", { mode: 0o600 });
    const { runsAs } = this;
    if (runsAs) await run("chown", ["-R", `${runsAs.uid}:${runsAs.gid}`, this.folder], process.env);
    const log = openSync(this.log, "a", 0o600);
    const child = spawn(join(this.programs.folder, "postgres"), ["-D", this.data], {
      cwd: this.folder,
      env: { PATH: process.env.PATH, LC_ALL: process.env.LC_ALL ?? "C" },
      stdio: ["ignore", log, log],
      detached: true,
      ...(runsAs ?? {}),
    });
    closeSync(log);
    this.process = child;
    child.on("error", () => undefined);
    child.unref();
    await this.untilItAnswers(child);
  }

  /** Stops the server without waiting for sessions. */
  async stop(): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null || child.pid === undefined) return;
    // Keeps Node alive until the server has ended.
    child.ref();
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGINT");
    await ended;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The address at which the role reaches the database on this server. */
  address({ user, database, options, connectTimeoutMs }: Address): Address {
    return {
      host: this.folder,
      port: PORT,
      user,
      database,
      password: undefined,
      passwordFrom: "a copy needs none",
      tls: { mode: "disable", ways: [false] },
      directTls: false,
      options,
      connectTimeoutMs,
      parameters: {},
    };
  }

  /** Folder of its WAL. */
  get wal(): string {
    return join(this.data, "pg_wal");
  }

  private get data(): string {
    return join(this.folder, "data");
  }

  private get log(): string {
    return join(this.folder, "log");
  }

  private async untilItAnswers(child: ChildProcess): Promise<void> {
    const until = Date.now() + START_SECONDS * 1000;
    // The server writes its state into this file. A connection might be refused, depending on the role.
    const isReady = () => /^ready/m.test(textOf(join(this.data, "postmaster.pid")));
    while (!isReady()) {
      const isOver = child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
      if (isOver || Date.now() > until) {
        await this.stop();
        throw new SluiceError(
          ErrorName.FleetFailed,
          `The physical copy did not start as a server on this machine, with the programs in ${this.programs.folder}:\n${this.lastLines()}\nThey must be of the same build and have the same extensions as the server that was copied.`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  private lastLines(): string {
    const lines = textOf(this.log).trim().split("\n").map(plain);
    const errors = lines.filter((line) => /FATAL|PANIC|ERROR|HINT|DETAIL/.test(line));
    return (errors.length > 0 ? errors : lines).slice(-5).join("\n");
  }
}

/** Ends recovery before the first transaction that committed later; from then on the server is independent. */
function recoveryTo(moment: string): Readonly<Record<string, string>> {
  return {
    // Names of time zones, including Z, are not loaded yet when this is read.
    recovery_target_time: moment.replace("Z", "+00"),
    recovery_target_action: "promote",
    // All of the WAL is in the folder.
    restore_command: "exit 1",
    hot_standby: "off",
  };
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** In a mapping, = separates the two paths. */
const escaped = (path: string): string => path.replace(/[=\\]/g, "\\$&");

function refusedText({ user, host, port }: Address, { message }: ProgramFailed): string {
  return `pg_basebackup could not copy the server at ${host}:${port}: ${message}
A physical copy needs a role with REPLICATION (ALTER ROLE ${user} REPLICATION), a line for "replication" in its pg_hba.conf, wal_level = replica and two free max_wal_senders. RDS and most services do not allow it: use --copy dump there.`;
}

/** The tablespaces of a server, which are outside of its folder. */
export async function tablespacesAt(address: Address): Promise<Tablespace[]> {
  return await withSessionAt(address, {}, (session) =>
    session.query<Tablespace>(
      "SELECT oid::text, pg_tablespace_location(oid) AS location FROM pg_tablespace WHERE pg_tablespace_location(oid) LIKE '/%'",
    ),
  );
}
