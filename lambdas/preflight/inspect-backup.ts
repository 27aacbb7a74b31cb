import { tablesLeftOut } from "../record/modes.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import type { PreflightCheck } from "../shared/ports.ts";
import { needRow, type Session } from "../shared/session.ts";
import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";
import { inspected } from "./inspected.ts";

/** What a snapshot would not hold, and what a proof would not see. */
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

/** People must know of those that the plan leaves out: after a restore they are empty. */
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
      expected: "none with rows but those that the plan leaves out",
      seen: `left out: ${[...leftOut].join(", ")}`,
      mend: "No snapshot has their rows. Staging has none of them, and after a restore production has none either. No proof compares them.",
    };
  return {
    name: "unlogged tables",
    passed: found.length === 0,
    expected: "none with rows",
    seen: found.length === 0 ? "none with rows" : found.join(", "),
    mend: "A restored snapshot has none of their rows, and so could not be proven: ALTER TABLE ... SET LOGGED, or TRUNCATE them. Where they may be lost, leave them out in the plan: `contents: { queue: none }`.",
  };
}

/** They are in every snapshot, and proofs cover those that the role may read. Told, for people to decide. */
async function largeObjects(session: Session): Promise<PreflightCheck> {
  const { count } = await needRow<{ count: string }>(
    session,
    "SELECT count(*)::text AS count FROM pg_largeobject_metadata",
  );
  return {
    name: "large objects",
    passed: count === "0" ? true : null,
    expected: "none",
    seen: count === "0" ? "none" : `${count} of them`,
    mend: "A snapshot holds them. Proofs compare those that the migrating role may read, and say how many it may not: let a rollback leave these alone.",
  };
}

async function counters(session: Session): Promise<PreflightCheck> {
  const { counting } = await needRow<{ counting: string }>(
    session,
    "SELECT current_setting('track_counts') AS counting",
  );
  return {
    name: "the server's counters",
    passed: counting === "on",
    expected: "track_counts is on",
    seen: `track_counts is ${counting}`,
    mend: "Set track_counts in the parameter group: by its counters is known that nobody wrote behind the fence.",
  };
}
