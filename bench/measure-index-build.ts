import { secondsOfSteps } from "./engine.ts";
import { count, duration, timed } from "./stats.ts";
import type { Measurement } from "./types.ts";
import { vectorsDatabase } from "./vectors.ts";

/** The HNSW index over all embeddings: with PostgreSQL's default memory, as the step engine builds it, and with memory set by hand. */
export const indexBuild: Measurement = {
  name: "index-build",
  async measure(bench) {
    const { vectors } = bench.sizes;
    const { database, applied, withMemoryMs } = await vectorsDatabase(bench);
    const oursMs = 1000 * secondsOfSteps(applied, /\busing\s+hnsw\b/i);
    bench.progress(`building the index of ${count(vectors)} vectors as written`);
    // Keep it: the search as written uses it.
    await database.asOwner((session) =>
      session.exec(`
        CREATE SCHEMA as_written;
        CREATE TABLE as_written.agent_capabilities_graph AS
          SELECT id, agent_id, capability_name, confidence, embedding, tenant_id FROM agent_capabilities_graph;
        ANALYZE as_written.agent_capabilities_graph`),
    );
    const written = await timed(() =>
      database.asOwner((session) =>
        session.exec(`
          SET maintenance_work_mem = '64MB';
          CREATE INDEX ON as_written.agent_capabilities_graph
            USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)`),
      ),
    );
    const [server] = await database.asOwner((session) =>
      session.query<{ buffers: string; memory: string }>(
        "SELECT current_setting('shared_buffers') AS buffers, current_setting('maintenance_work_mem') AS memory",
      ),
    );
    return [
      {
        what: `HNSW build of ${count(vectors)} vectors`,
        asWritten: duration(written.ms),
        ours: duration(oursMs),
        ratio: written.ms / oursMs,
        target: "under 25 s for 100,000",
        reached: vectors < 100_000 ? undefined : oursMs < 25_000,
        note:
          "as written: 64 MB of memory (PostgreSQL's default). Ours: the step of 008 that builds it, for which the step " +
          `engine finds memory and workers; this server has shared_buffers ${server?.buffers} and maintenance_work_mem ` +
          `${server?.memory}. By hand, with 2 GB and two workers: ${duration(withMemoryMs)}.`,
        figures: { asWrittenMs: written.ms, oursMs, byHandMs: withMemoryMs },
      },
    ];
  },
};
