import { readServerClock } from "../moments/moment.ts";
import { walRate } from "../moments/restore-cost.ts";
import { tablesLeftOut } from "../proof/subjects.ts";
import { type BackupDoc, Doc, type ProductionDoc, type RequestDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import type { Ports, PreflightCheck } from "../shared/ports.ts";
import { requireRow, type Session } from "../shared/session.ts";
import { duration, moment } from "../shared/text.ts";
import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";
import { inspected } from "./inspected.ts";

const DAY_MS = 86_400_000;

// The archived WAL normally trails by about five minutes. Beyond this limit archiving has stopped or is about to.
const TRAILS_MINUTES = 30;

/** Time for a decision to restore after the run ends, in milliseconds. It is added to the run's longest duration. */
const AFTERWARDS_MS = DAY_MS / 2;

/**
 * Chooses how production is backed up and gives the reasons. Prefers the restore to a moment where production's
 * backups allow it, because that costs no downtime. The first worker's choice holds for the whole run.
 */
export async function chooseBackup(
  session: Session,
  ports: Ports,
  evidence: RunEvidence,
  production: ProductionDoc,
): Promise<PreflightCheck> {
  const request = await evidence.read(Doc.request);
  const { wanted, by, why, clash } = choice(ports, production, request ?? undefined);
  const doc = await evidence.getOrCreate(Doc.backup, async () => {
    const at = ports.clock.now().toISOString();
    if (by === "snapshot") return { at, by, why };
    return {
      at,
      by,
      why,
      ...(production.moments?.by === "archive"
        ? { replay: { baseAt: production.moments.baseAt, bytesPerHour: await walRate(session) } }
        : {}),
      clockAheadMs: (await readServerClock(session, ports.clock)).aheadMs,
    };
  });
  return {
    name: BACKUP,
    // Judge the run's own choice: the backups may have changed since the first worker looked.
    passed: doc.by === "point-in-time" || wanted === "snapshot" ? true : wanted === undefined ? null : false,
    expected:
      wanted === "snapshot"
        ? "a snapshot, as requested"
        : "production can be restored to a moment, so that the downtime includes no snapshot",
    seen:
      doc.by === "point-in-time"
        ? `to the moment: ${doc.why.join("; ")}`
        : `by a snapshot: ${doc.why.join("; ")}`,
    mend:
      clash ??
      "Keep automated backups on for the number of days that this check names, and check that the instance's latest restorable time advances. " +
        "Otherwise a snapshot is taken within the downtime; `backup: snapshot` requests that.",
  };
}

/** Name of the check. */
export const BACKUP = "backup";

interface Choice {
  /** Requested by the plan or the settings; undefined: choose the better of the available ways. */
  wanted: BackupDoc["by"] | undefined;
  by: BackupDoc["by"];
  why: string[];
  /** How to settle two requests that exclude each other. */
  clash?: string;
}

function choice(ports: Ports, production: ProductionDoc, request: RequestDoc | undefined): Choice {
  const { plan, settings } = ports;
  const places = [settings.copyTo && "copyTo", settings.exportTo && "exportTo"].filter(
    (one) => one !== undefined,
  );
  const asked = [
    ...(plan.backup === "snapshot" ? ["the plan requests it (backup: snapshot)"] : []),
    ...(settings.backup === "snapshot" ? ["the settings request it (backup: snapshot)"] : []),
    ...(settings.rehearse === "inside"
      ? ["the rehearsal inside the downtime starts from it (rehearse: inside)"]
      : []),
    ...(places.length > 0
      ? [`the final snapshot is copied elsewhere (backup.${places.join(", backup.")})`]
      : []),
  ];
  const strict = plan.backup === "point-in-time" || settings.backup === "point-in-time";
  // An explicit `point-in-time` that another setting excludes is a mistake to report.
  if (asked.length > 0 && !strict) return { wanted: "snapshot", by: "snapshot", why: asked };
  const lacks = [...asked, ...lacking(ports, production, request)];
  const wanted = strict ? ("point-in-time" as const) : undefined;
  const clash =
    asked.length > 0
      ? `\`backup: point-in-time\` in the ${plan.backup === "point-in-time" ? "plan" : "settings"} and this exclude each other: remove one of the two.`
      : undefined;
  return lacks.length > 0
    ? { wanted, by: "snapshot", why: lacks, ...(clash ? { clash } : {}) }
    : { wanted, by: "point-in-time", why: has(production) };
}

/** Reasons why production cannot be restored to a moment, one sentence each; empty: it can. */
function lacking(
  { plan, clock }: Ports,
  production: ProductionDoc,
  request: RequestDoc | undefined,
): string[] {
  const { moments, backups } = production;
  if (!moments) return ["this server restores snapshots only"];
  if (moments.by === "copy") return [];
  if (!backups) return ["it is unknown whether automated backups are on"];
  if (backups.days === 0) return ["automated backups are off"];
  const now = clock.now().getTime();
  const needed = neededMs(plan, request, now);
  const days = Math.ceil(needed / DAY_MS);
  const trails = backups.until === undefined ? undefined : (now - Date.parse(backups.until)) / 60_000;
  return [
    ...(backups.days < days
      ? [
          `automated backups are kept for ${backups.days} day${backups.days === 1 ? "" : "s"}, but this run, with its gates and the half day after it, may take ${duration(needed / 1000)}: keep them for ${days}`,
        ]
      : []),
    ...(trails === undefined || Number.isNaN(trails)
      ? ["it has no latest restorable time yet"]
      : trails > TRAILS_MINUTES
        ? [
            `its latest restorable time is ${moment(backups.until ?? "")}, ${duration(trails * 60)} behind: the backups have stopped`,
          ]
        : []),
  ];
}

/** Milliseconds from now until the last decision to restore can be made. */
function neededMs(
  { gates, migrations, expectedMinutes: phases }: CompiledPlan,
  request: RequestDoc | undefined,
  now: number,
): number {
  const asked = migrations.filter(({ unasked }) => !unasked).length;
  // Each gate may open twice: on a timeout it opens again for the escalation contacts.
  const minutes =
    2 *
      (gates.rehearsal.minutes +
        asked * gates.after.minutes +
        gates.open.minutes +
        gates.keep.minutes +
        gates.restore.minutes) +
    migrations.reduce((sum, { expectedMinutes = 0 }) => sum + expectedMinutes, 0) +
    (phases ? phases.admit + phases.prove + phases.open : 0);
  const window = request?.window ? Math.max(0, Date.parse(request.window.ends) - now) : 0;
  return Math.max(minutes * 60_000, window) + AFTERWARDS_MS;
}

function has({ moments, backups }: ProductionDoc): string[] {
  if (moments?.by === "copy") return ["this server keeps a copy of that moment"];
  return [
    `automated backups are kept for ${backups?.days} days`,
    `latest restorable time ${moment(backups?.until ?? "")}`,
    ...(moments?.baseAt ? [`newest base backup ${moment(moments.baseAt)}`] : []),
  ];
}

/** Finds what a snapshot would not contain and what a proof would not detect. */
export async function inspectBackup(
  session: Session,
  contents: CompiledPlan["contents"],
): Promise<PreflightCheck[]> {
  return [
    ...(await inspected("unlogged tables", () => unloggedTables(session, contents))),
    ...(await inspected("large objects", () => largeObjects(session))),
    ...(await inspected("the server's counters", () => counters(session))),
  ];
}

/** Tables that the plan leaves out are reported too: a restore leaves them empty. */
async function unloggedTables(session: Session, contents: CompiledPlan["contents"]): Promise<PreflightCheck> {
  const rows = await session.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND pg_relation_size(c.oid) > 0
        AND ${IS_USERS_SCHEMA("n.nspname")}
      ORDER BY name`,
  );
  const leftOut = await tablesLeftOut(session, contents);
  const found = rows.map(({ name }) => name).filter((name) => !leftOut.has(name));
  if (found.length === 0 && leftOut.size > 0)
    return {
      name: "unlogged tables",
      passed: null,
      expected: "only those with rows that the plan leaves out",
      seen: `left out: ${[...leftOut].join(", ")}`,
      mend: "Snapshots do not contain their rows: they are empty on staging, and empty on production after a restore. Proofs do not compare them.",
    };
  return {
    name: "unlogged tables",
    passed: found.length === 0,
    expected: "none with rows",
    seen: found.length === 0 ? "none with rows" : found.join(", "),
    mend: "A restored snapshot does not contain their rows, so a restore could not be proven: ALTER TABLE ... SET LOGGED, or TRUNCATE them. If their rows may be lost, leave them out in the plan: `contents: { queue: none }`.",
  };
}

/**
 * Every snapshot holds large objects, and proofs cover those that the role may read. The approvers decide whether
 * that is enough.
 */
async function largeObjects(session: Session): Promise<PreflightCheck> {
  const { count } = await requireRow<{ count: string }>(
    session,
    "SELECT count(*)::text AS count FROM pg_largeobject_metadata",
  );
  return {
    name: "large objects",
    passed: count === "0" ? true : null,
    expected: "none",
    seen: count === "0" ? "none" : `${count}`,
    mend: "A snapshot holds them. Proofs compare those that the migrating role may read and report how many it may not. No rollback should change those.",
  };
}

async function counters(session: Session): Promise<PreflightCheck> {
  const { counting } = await requireRow<{ counting: string }>(
    session,
    "SELECT current_setting('track_counts') AS counting",
  );
  return {
    name: "the server's counters",
    passed: counting === "on",
    expected: "track_counts is on",
    seen: `track_counts is ${counting}`,
    mend: "Set track_counts in the parameter group: its counters show that nothing was written behind the fence.",
  };
}
