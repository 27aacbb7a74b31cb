import { listTables, takeTableContent } from "../lambdas/proof/checksums.ts";
import type { Bench } from "./harness.ts";
import { count, duration, median, timed } from "./stats.ts";
import type { Measurement, Result } from "./types.ts";

const TABLE = "public.performance_events";

/** Measures the proof of a table's contents, for a million rows on one core. */
export const checksum: Measurement = {
  name: "checksum",
  measure: async (bench) => [...(await ofEvents(bench)), ...(await ofDocuments(bench))],
};

async function ofEvents(bench: Bench): Promise<Result[]> {
  const { rows } = bench.sizes;
  bench.progress(`checksums, ${count(rows)} rows`);
  const database = await bench.baseline({ events: rows, agents: 10_000 });
  const figures = await database.asOwner(async (session) => {
    const { columns } = (await listTables(session)).find(({ table }) => table === TABLE) ?? { columns: [] };
    const take = async (workers: number) => {
      await session.exec(`SET max_parallel_workers_per_gather = ${workers}`);
      const times = [];
      for (let run = 0; run < 3; run++)
        times.push((await timed(() => takeTableContent(session, TABLE, columns, "full"))).ms);
      return (median(times) * 1_000_000) / rows;
    };
    // The obvious way: a digest of all rows in order, as text.
    const text = await timed(() =>
      session.query(`SELECT md5(string_agg(e::text, ',' ORDER BY id)) FROM ${TABLE} e`),
    );
    return { oneProcess: await take(0), twoWorkers: await take(2), text: (text.ms * 1_000_000) / rows };
  });
  return [
    {
      what: `content checksum of performance_events (${count(rows)} rows), a million rows, one core`,
      asWritten: "-",
      ours: duration(figures.oneProcess),
      target: "under 1.2 s",
      reached: figures.oneProcess < 1200,
      note:
        `with two workers ${duration(figures.twoWorkers)}; md5 of an ordered string_agg, which the plan does not ask for ` +
        `either, ${duration(figures.text)}. The plan compares row counts only.`,
      figures,
    },
  ];
}

/** Compares the checksum of an id and a jsonb of 200 bytes with the minimum cost of reading that jsonb. */
async function ofDocuments(bench: Bench): Promise<Result[]> {
  const rows = Math.round(bench.sizes.rows / 4);
  bench.progress(`checksums of jsonb, ${count(rows)} rows`);
  const database = await bench.empty();
  try {
    const figures = await database.asOwner(async (session) => {
      await session.exec(`
        CREATE TABLE document (id bigint PRIMARY KEY, j jsonb);
        INSERT INTO document SELECT n, jsonb_build_object('name', 'customer ' || n, 'email', 'c' || n || '@example.com',
          'tags', jsonb_build_array('a', 'b', n % 7), 'address', jsonb_build_object('city', 'town ' || n % 100, 'zip', n % 9999),
          'balance', n * 1.25, 'active', n % 2 = 0, 'note', repeat('x', 40)) FROM generate_series(1, ${rows}) n;
        SET max_parallel_workers_per_gather = 0; SET jit = off`);
      const take = (sums: boolean) => () =>
        takeTableContent(session, "public.document", ["id", "j"], "full", { sums });
      const ways: Record<"floor" | "checksum" | "withSums", () => Promise<unknown>> = {
        floor: () => session.query("SELECT sum(hashtextextended(j::text, 0)) FROM document"),
        checksum: take(false),
        withSums: take(true),
      };
      const times: Record<keyof typeof ways, number[]> = { floor: [], checksum: [], withSums: [] };
      // In turns, so that other load on the machine slows all of them equally.
      for (let run = 0; run < 5; run++)
        for (const name of Object.keys(ways) as (keyof typeof ways)[])
          times[name].push((await timed(ways[name])).ms);
      return {
        floor: median(times.floor),
        checksum: median(times.checksum),
        withSums: median(times.withSums),
      };
    });
    const ratio = figures.checksum / figures.floor;
    return [
      {
        what: `content checksum of an id and a jsonb of 200 bytes (${count(rows)} rows), against sum(hashtextextended(j::text, 0))`,
        asWritten: duration(figures.floor),
        ours: duration(figures.checksum),
        target: "at most 1.5 times",
        reached: ratio <= 1.5,
        note: `${ratio.toFixed(2)} times; with a sum for each column ${(figures.withSums / figures.floor).toFixed(2)} times.`,
        figures,
      },
    ];
  } finally {
    await bench.drop(database);
  }
}
