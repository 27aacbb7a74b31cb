import type { Bench } from "./harness.ts";
import { type Probe, watch } from "./probe.ts";
import { count, duration, summary } from "./stats.ts";
import type { Measurement } from "./types.ts";
import { vectorsDatabase } from "./vectors.ts";

/** Only the view's owner and its functions may read the view, so no policy slows the reader or hides rows. */
const READER: Probe = {
  name: "reader",
  tenant: undefined,
  as: "superuser",
  sql: "SELECT name FROM hybrid_search_materialized LIMIT 1",
};

/** Measures a refresh of the search index while it is read. */
export const refresh: Measurement = {
  name: "refresh",
  async measure(bench) {
    const ours = await refreshed(bench, "SELECT refresh_hybrid_search_index()", "as we do it");
    const written = await refreshed(
      bench,
      "SET maintenance_work_mem = '64MB'; REFRESH MATERIALIZED VIEW hybrid_search_materialized",
      "as written",
    );
    return [
      {
        what: `refresh of the materialized view, ${count(bench.sizes.vectors)} rows: how long readers wait`,
        asWritten: `${duration(written.reader.max)} (takes ${duration(written.ms)})`,
        ours: `${duration(ours.reader.max)} (takes ${duration(ours.ms)})`,
        ratio: written.reader.max / ours.reader.max,
        target: "0: no lock to wait for",
        // A statement takes time even without waiting; pg_locks shows whether it waited.
        reached: !ours.waited,
        note: `the slowest of ${ours.reader.n} statements of a reader; ours: ${ours.waited ? "one was seen waiting for a lock" : "none was seen waiting for a lock"}. 1 % of the rows had changed before each.`,
        figures: { asWritten: written, ours },
      },
    ];
  },
};

async function refreshed(bench: Bench, sql: string, how: string) {
  const { database } = await vectorsDatabase(bench);
  await database.asOwner((session) =>
    session.exec(`
      UPDATE agent_capabilities_graph SET confidence = 1.7 - confidence
       WHERE hashtext(id::text) % 100 = 0`),
  );
  bench.progress(`refreshing ${how}`);
  let waited = false;
  const { ms, watched } = await watch(database, [READER], () =>
    database.asSuperuser(async (observer) => {
      let over = false;
      const work = database
        .asOwner((session) => session.exec(sql))
        .finally(() => {
          over = true;
        });
      while (!over) {
        const waiting = await observer.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
              AND query = $1`,
          [READER.sql],
        );
        waited ||= waiting.length > 0;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await work;
    }),
  );
  return { ms, waited, reader: summary(watched.get(READER.name)?.latencies ?? []) };
}
