import { migrate } from "./engine.ts";
import type { Bench, Database } from "./harness.ts";
import { count } from "./stats.ts";

/**
 * How much a few agents stand out: both ends of each relationship are drawn as rank = agents * u ^ STEEP, so that of a
 * million relationships among 100,000 agents the first has about 4,000, and most have less than twenty.
 */
const STEEP = 1.85;

export interface Graph {
  database: Database;
  /** The agent with the most relationships. */
  hub: { id: string; degree: number };
  /** Some typical agents, with about 17 relationships. */
  ordinary: { id: string; degree: number }[];
  /** Random pairs, drawn from relationships' ends, so that every agent has at least one relationship. */
  pairs: [string, string][];
}

const ORDINARY_DEGREE = 17;
const ORDINARY = 5;

/** Returns a migrated database with a power-law graph. */
export function graphDatabase(bench: Bench, pairs: number): Promise<Graph> {
  return bench.once("graph", async () => {
    const { agents, edges } = bench.sizes;
    const database = await bench.copyOf(await bench.baseline({ events: 1000, agents }));
    await migrate(bench, database, "006", "007", "008");
    bench.progress(`loading a graph of ${count(agents)} agents and ${count(edges)} relationships`);
    await load(database, agents, edges);
    return await database.asOwner(async (session) => {
      await session.exec(`
        CREATE SCHEMA bench;
        CREATE TABLE bench.degree AS
          SELECT agent, count(*)::int AS degree FROM (
            SELECT source_agent_id AS agent FROM agent_relationships
            UNION ALL SELECT target_agent_id FROM agent_relationships) AS ends
          GROUP BY agent;
        ANALYZE bench.degree`);
      const ranked = (order: string, limit: number) =>
        session.query<{ id: string; degree: number }>(
          `SELECT agent::text AS id, degree FROM bench.degree ORDER BY ${order} LIMIT ${limit}`,
        );
      const [hub] = await ranked("degree DESC, agent", 1);
      if (!hub) throw new Error("the graph is empty");
      const some = await ranked("md5(agent::text)", pairs * 2);
      return {
        database,
        hub,
        ordinary: await ranked(`abs(degree - ${ORDINARY_DEGREE}), agent`, ORDINARY),
        pairs: Array.from(
          { length: Math.floor(some.length / 2) },
          (_, index) => [some[2 * index]?.id ?? "", some[2 * index + 1]?.id ?? ""] as [string, string],
        ),
      };
    });
  });
}

/** Loads the bare table and creates its indexes afterwards. The plan's form of it is loaded into a separate schema. */
async function load(database: Database, agents: number, edges: number): Promise<void> {
  await database.asSuperuser(async (session) => {
    const indexes = await session.query<{ name: string; definition: string }>(
      `SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
        WHERE i.indrelid = 'agent_relationships'::regclass
          AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)`,
    );
    // No foreign keys and no triggers: the generated data are consistent.
    await session.exec("SET session_replication_role = replica");
    for (const { name } of indexes) await session.exec(`DROP INDEX ${name}`);
    const end = (salt: number) =>
      `floor(${agents} * power((hashint8extended(n, ${salt}) & 1073741823)::float8 / 1073741824, ${STEEP}))::int`;
    // Draw a few more than needed, as duplicate pairs are dropped.
    await session.exec(`
      WITH ends AS MATERIALIZED (
        SELECT n, ${end(1)} AS source, ${end(2)} AS target FROM generate_series(1, ${Math.ceil(edges * 1.25)}) AS n
      )
      INSERT INTO agent_relationships (id, source_agent_id, target_agent_id, type, is_directional, confidence, tenant_id)
      SELECT md5('bench relationship' || n)::UUID, md5('agent' || 1 + source)::UUID, md5('agent' || 1 + target)::UUID,
             'COLLABORATES_WITH', n % 3 = 0, 0.50 + (n % 51) / 100.0, 'default-tenant'
      FROM (SELECT DISTINCT ON (LEAST(source, target), GREATEST(source, target)) n, source, target
              FROM ends WHERE source <> target
             ORDER BY LEAST(source, target), GREATEST(source, target), n) AS pairs
      ORDER BY md5(n::text) LIMIT ${edges}`);
    for (const { definition } of indexes) await session.exec(definition);
    await session.exec(`
      CREATE SCHEMA as_written;
      CREATE TABLE as_written.agent_relationships AS
        SELECT id, source_agent_id, target_agent_id, type, is_directional, confidence FROM agent_relationships;
      CREATE INDEX ON as_written.agent_relationships (source_agent_id);
      CREATE INDEX ON as_written.agent_relationships (target_agent_id);
      GRANT USAGE ON SCHEMA as_written TO v2_app;
      GRANT SELECT ON as_written.agent_relationships TO v2_app`);
    await session.exec("RESET session_replication_role");
    await session.exec("VACUUM (ANALYZE)");
  });
}
