import type { ProductionDoc } from "../shared/documents.ts";
import { noWayBack } from "../shared/plan.ts";
import type { Ports, PreflightCheck } from "../shared/ports.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { none, note } from "./inspected.ts";

const GIB = 1024 ** 3;

/** Checks that need no session: disk, alarms, and the application's address. */
export async function inspectDeployment(ports: Ports, production: ProductionDoc): Promise<PreflightCheck[]> {
  const { minimumFreeGiB } = ports.plan.server;
  const free = production.freeBytes;
  const checks: PreflightCheck[] = [
    {
      name: "free disk",
      passed: free === null ? null : free >= minimumFreeGiB * GIB,
      expected: `at least ${minimumFreeGiB} GiB`,
      seen: free === null ? "not reported by this server" : `${(free / GIB).toFixed(1)} GiB`,
      mend: "Give the instance more storage, or free space.",
    },
    // Found at admission, because a function inside the database's network cannot reach the RDS API.
    ...(production.findings?.checks ?? []),
  ];
  checks.push(...wayBackFromEach(ports));
  const { application } = ports.plan;
  const requests = [application.stop, application.start, application.test, ...application.smoke];
  const relative = requests.some((request) => request?.url.startsWith("/"));
  if (relative)
    checks.push({
      name: "application URL",
      // Without it the hooks and smoke tests cannot run; the approvers decide at the gate whether that is acceptable.
      passed: ports.settings.applicationUrl === undefined ? null : true,
      expected: "an address for the plan's hooks and smoke tests",
      seen: ports.settings.applicationUrl ?? "not set; hooks and smoke tests will not run",
      mend: "Set application.url.",
    });
  return checks;
}

function wayBackFromEach({ plan, settings }: Ports): PreflightCheck[] {
  const problem = noWayBack(plan, settings);
  if (!problem) return [];
  return [
    {
      name: "a way back",
      passed: plan.acceptNoWayBack ? null : false,
      expected: "a way back from each migration",
      ...problem,
    },
  ];
}

/** An extension or scheduler that creates and drops objects of this database by itself, and how to stop it. */
interface Keeper {
  /** SQL that returns the name of its table as text, or NULL if the table does not exist. */
  table: string;
  /** SQL that lists what it maintains, as `text`. */
  list: (table: string) => string;
  called: string;
  stop: string;
}

const EXTENSION_TABLE = (extension: string, table: string) =>
  `SELECT (SELECT format('%I.%I', n.nspname, '${table}') FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
            WHERE e.extname = '${extension}' AND to_regclass(format('%I.%I', n.nspname, '${table}')) IS NOT NULL) AS table`;

const NAMED_TABLE = (table: string) => `SELECT to_regclass('${table}')::text AS table`;

const KEEPERS: readonly Keeper[] = [
  {
    table: EXTENSION_TABLE("pg_partman", "part_config"),
    list: (table) =>
      `SELECT parent_table AS text FROM ${table} WHERE automatic_maintenance = 'on' ORDER BY 1`,
    called: "pg_partman adds and drops partitions of",
    stop: "UPDATE part_config SET automatic_maintenance = 'off', or remove the database from pg_partman_bgw.dbname and reload; the fence stops only the jobs of pg_cron that call it",
  },
  {
    table: NAMED_TABLE("timescaledb_information.jobs"),
    list: (table) => `SELECT application_name AS text FROM ${table} WHERE scheduled ORDER BY 1`,
    called: "TimescaleDB runs",
    stop: "SELECT alter_job(job_id, scheduled => false)",
  },
  {
    table: NAMED_TABLE("pgagent.pga_job"),
    list: (table) => `SELECT jobname AS text FROM ${table} WHERE jobenabled ORDER BY 1`,
    called: "pgAgent runs",
    stop: "stop the agent, or UPDATE pgagent.pga_job SET jobenabled = false",
  },
  {
    table: NAMED_TABLE("timetable.chain"),
    list: (table) => `SELECT chain_name AS text FROM ${table} WHERE live ORDER BY 1`,
    called: "pg_timetable runs",
    stop: "stop the scheduler, or UPDATE timetable.chain SET live = false",
  },
  {
    table: NAMED_TABLE("squeeze.tables"),
    list: (table) => `SELECT format('%I.%I', tabschema, tabname) AS text FROM ${table} ORDER BY 1`,
    called: "pg_squeeze rewrites",
    stop: "SELECT squeeze.stop_worker()",
  },
];

const EXPECTED = "nothing that works by itself";

/**
 * Finds maintenance that production does by itself. The fence does not stop it: what it adds during the window is not
 * the plan's, and no rollback removes it.
 */
export async function inspectMaintenance(session: Session): Promise<PreflightCheck> {
  const found: string[] = [];
  const stop: string[] = [];
  for (const { table: where, list, called, stop: how } of KEEPERS) {
    const { table } = await requireRow<{ table: string | null }>(session, where);
    if (table === null) continue;
    const { may } = await requireRow<{ may: boolean }>(
      session,
      "SELECT has_table_privilege($1, 'SELECT') AS may",
      [table],
    );
    const kept = may ? (await session.query<{ text: string }>(list(table))).map(({ text }) => text) : null;
    if (kept?.length === 0) continue;
    found.push(
      `${called} ${kept === null ? `what ${table} lists, which this role may not read` : kept.slice(0, 5).join(", ")}${kept && kept.length > 5 ? ` and ${kept.length - 5} more` : ""}`,
    );
    stop.push(how);
  }
  if (found.length === 0) return none("maintenance", EXPECTED);
  return note(
    "maintenance",
    EXPECTED,
    found,
    `Stop it for the window and start it again afterwards: ${stop.join("; ")}. What it adds in the meantime is not this plan's: a rollback does not remove it, and cannot be proven.`,
  );
}
