import { isPostgresError } from "../lambdas/shared/errors.ts";
import type { Session } from "../lambdas/shared/session.ts";
import { type Graph, graphDatabase } from "./graph.ts";
import type { Bench } from "./harness.ts";
import { count, duration, median, summary, timed } from "./stats.ts";
import type { Measurement, Result } from "./types.ts";

const TENANT = "default-tenant";
const PAIRS = 100;
/** The plan's way takes its whole cap for nearly every pair, so a few pairs show as much as many. */
const PAIRS_AS_WRITTEN = 3;
const CANCELED = "57014";

/** Every simple path, each a row with all its agents, as the plan's two functions enumerate them. */
const PATHS = (hops: number) => `
  WITH RECURSIVE walk AS (
    SELECT $1::uuid AS agent_id, 0 AS hops, 1::numeric AS confidence, ARRAY[$1::uuid] AS path
    UNION ALL
    SELECT next.agent_id, w.hops + 1, w.confidence * next.confidence, w.path || next.agent_id
      FROM walk w CROSS JOIN LATERAL (
        SELECT CASE WHEN r.source_agent_id = w.agent_id THEN r.target_agent_id ELSE r.source_agent_id END AS agent_id,
               r.confidence
          FROM as_written.agent_relationships r
         WHERE r.source_agent_id = w.agent_id OR (r.target_agent_id = w.agent_id AND NOT r.is_directional)
      ) AS next
     WHERE w.hops < ${hops} AND NOT next.agent_id = ANY (w.path)
  )`;
const TRAVERSE_AS_WRITTEN = (hops: number) =>
  `${PATHS(hops)} SELECT DISTINCT ON (agent_id) agent_id, hops, confidence, path, false AS truncated FROM walk WHERE hops > 0 ORDER BY agent_id, hops, confidence DESC`;
const PATH_AS_WRITTEN = `${PATHS(5)} SELECT hops, path, confidence, false AS truncated FROM walk WHERE agent_id = $2::uuid ORDER BY hops, confidence DESC LIMIT 1`;

const TRAVERSE = (hops: number, rows: "1000" | "NULL") =>
  `SELECT * FROM traverse_agent_relationships($1, ${hops}, 0.5, NULL, ${rows})`;
const PATH = "SELECT *, false AS truncated FROM find_agent_path($1, $2, 5)";

interface Timing {
  ms: number;
  rows: number;
  truncated: boolean;
  /** True: stopped at the cap, so it takes at least that long. */
  capped: boolean;
}

/** Measures shortest paths and traversals in a graph in which a few agents have many relationships. */
export const graph: Measurement = {
  name: "graph",
  async measure(bench) {
    const found = await graphDatabase(bench, PAIRS);
    return [await paths(bench, found), await fourHops(bench, found), await fromHub(bench, found)];
  },
};

const sizeOf = (bench: Bench) =>
  `${count(bench.sizes.agents)} agents, ${count(bench.sizes.edges)} relationships`;

async function paths(bench: Bench, { database, pairs }: Graph): Promise<Result> {
  bench.progress("shortest paths");
  const [ours, written] = await database.asApplication(TENANT, async (session) => {
    for (const pair of pairs.slice(0, 5)) await session.query(PATH, pair);
    const ours = [];
    for (const pair of pairs) ours.push(await run(session, PATH, pair));
    await cap(bench, session);
    const written = [];
    for (const pair of pairs.slice(0, PAIRS_AS_WRITTEN))
      written.push(await run(session, PATH_AS_WRITTEN, pair));
    return [ours, written] as const;
  });
  const mine = summary(ours.map(({ ms }) => ms));
  return {
    what: `shortest path up to 5 hops, ${sizeOf(bench)}: p50 / p95`,
    asWritten: slowest(written),
    ours: `${duration(mine.p50)} / ${duration(mine.p95)}`,
    ratio: median(written.map(({ ms }) => ms)) / mine.p50,
    target: "p95 under 100 ms",
    reached: mine.p95 < 100,
    note:
      `${mine.n} random pairs, ${ours.filter(({ rows }) => rows > 0).length} connected; as written: ${written.length} of them, ` +
      `given up after ${bench.sizes.capSeconds} s (a ratio to that is a lower bound).`,
    figures: { ours: mine, asWritten: written },
  };
}

async function fourHops(bench: Bench, { database, ordinary }: Graph): Promise<Result> {
  bench.progress("traversals of four hops");
  const [ours, few, written] = await database.asApplication(TENANT, async (session) => {
    const ours = [];
    const few = [];
    const written = [];
    for (const { id } of ordinary) {
      ours.push(await run(session, TRAVERSE(4, "NULL"), [id]));
      few.push(await run(session, TRAVERSE(4, "1000"), [id]));
    }
    await cap(bench, session);
    for (const { id } of ordinary.slice(0, 2)) written.push(await run(session, TRAVERSE_AS_WRITTEN(4), [id]));
    return [ours, few, written] as const;
  });
  const mine = median(ours.map(({ ms }) => ms));
  return {
    what: `traversal of 4 hops from an agent of degree ${ordinary[0]?.degree}, same graph, every agent`,
    asWritten: slowest(written),
    ours: `${duration(mine)} (${count(median(ours.map(({ rows }) => rows)))} agents)`,
    ratio: median(written.map(({ ms }) => ms)) / mine,
    target: "under 1.4 s",
    reached: mine < 1400,
    note:
      `medians of ${ours.length} of these agents, no row cap (max_rows NULL); with the function's default cap of 1,000 rows ${duration(median(few.map(({ ms }) => ms)))}. ` +
      `As written found ${written.map(({ rows, capped }) => (capped ? "nothing in time" : `${count(rows)} agents`)).join(", ")}.`,
    figures: { ours, withCap: few, asWritten: written },
  };
}

async function fromHub(bench: Bench, { database, hub }: Graph): Promise<Result> {
  bench.progress("traversals from the hub");
  const [ours, all, written] = await database.asApplication(TENANT, async (session) => {
    await run(session, TRAVERSE(2, "1000"), [hub.id]);
    const ours = [];
    for (let time = 0; time < 11; time++) ours.push(await run(session, TRAVERSE(2, "1000"), [hub.id]));
    const all = await run(session, TRAVERSE(2, "NULL"), [hub.id]);
    await cap(bench, session);
    const written = [];
    for (let time = 0; time < 3; time++) written.push(await run(session, TRAVERSE_AS_WRITTEN(2), [hub.id]));
    return [ours, all, written] as const;
  });
  const mine = summary(ours.map(({ ms }) => ms));
  const truncated = ours.every((one) => one.truncated);
  return {
    what: `2 hops from its largest hub (degree ${count(hub.degree)}), with the row cap: p50 / p95`,
    asWritten: slowest(written),
    ours: `${duration(mine.p50)} / ${duration(mine.p95)} (${count(ours[0]?.rows ?? 0)} rows${truncated ? ", reports the cut" : ""})`,
    ratio: median(written.map(({ ms }) => ms)) / mine.p50,
    target: "under 50 ms, and it reports the cut",
    reached: mine.p95 < 50 && (truncated || all.rows <= 1000),
    note: `of ${mine.n} times; without a cap ${duration(all.ms)} for ${count(all.rows)} agents.`,
    figures: { ours: mine, withoutCap: all, asWritten: written },
  };
}

async function cap(bench: Bench, session: Session): Promise<void> {
  await session.exec(`SET statement_timeout = ${bench.sizes.capSeconds * 1000}`);
}

/** Computes the whole result without sending it to the client, whose time does not count. */
async function run(session: Session, sql: string, params: readonly string[]): Promise<Timing> {
  const { ms, value } = await timed(async () => {
    try {
      const [found] = await session.query<{ rows: number; truncated: boolean }>(
        `SELECT count(*)::int AS rows, coalesce(bool_or(truncated), false) AS truncated FROM (${sql}) AS found`,
        params,
      );
      return { rows: found?.rows ?? 0, truncated: found?.truncated === true, capped: false };
    } catch (error) {
      if (!isPostgresError(error) || error.code !== CANCELED) throw error;
      return { rows: 0, truncated: false, capped: true };
    }
  });
  return { ms, ...value };
}

/** Returns the median; a lower bound where the run was stopped at the cap. */
function slowest(timings: readonly Timing[]): string {
  const sorted = [...timings].sort((a, b) => a.ms - b.ms);
  const middle = sorted[Math.ceil(sorted.length / 2) - 1];
  if (!middle) return "not measured";
  const given = timings.filter(({ capped }) => capped).length;
  return `${middle.capped ? "> " : ""}${duration(middle.ms)}${given > 0 ? ` (${given} of ${timings.length} given up)` : ""}`;
}
