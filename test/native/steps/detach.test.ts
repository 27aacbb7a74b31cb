import { expect, test } from "vitest";
import { useDatabase } from "./database.ts";

const SECONDS = 36;
const ROWS = 600;

// A page a row, so that the build's progress in blocks is one in rows.
const db = useDatabase(
  `CREATE TABLE t (id int PRIMARY KEY, x int, wide text);
   ALTER TABLE t ALTER wide SET STORAGE PLAIN;
   INSERT INTO t SELECT n, n, repeat('x', 5000) FROM generate_series(1, ${ROWS}) n;
   CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE
     AS $$ BEGIN PERFORM pg_sleep(${SECONDS / ROWS}); RETURN $1; END $$`,
);

test.each([
  ["outside a transaction", "CREATE INDEX CONCURRENTLY i ON t (slow(x))", " outside transaction"],
  ["in a transaction", "CREATE INDEX i ON t (slow(x))", ""],
])(
  "a step %s that takes longer than five workers live is done by one after another, with progress that grows",
  async (_where, statement, option) => {
    const sql = `-- sluice: step "i"${option}\n${statement};`;
    const percents: number[] = [];
    let workers = 0;
    for (;;) {
      const began = performance.now();
      const { steps, ports } = db.work(sql, { livesMs: 6_000 });
      const done = await steps;
      // In time to answer, and long after its statement was sent.
      expect(performance.now() - began).toBeLessThan(6_000);
      workers++;
      for (const line of ports.lines) {
        const percent = /, (\d+) % \(/.exec(line)?.[1];
        if (percent !== undefined && line.includes("building index")) percents.push(Number(percent));
      }
      if (!done) continue;
      expect(done).toHaveLength(1);
      break;
    }
    expect(workers).toBeGreaterThan(5);
    expect(percents.length).toBeGreaterThan(5);
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(new Set(percents).size).toBeGreaterThan(5);
    expect(
      await db.query("SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = 'i'::regclass"),
    ).toEqual([{ valid: true }]);
    expect(await db.query("SELECT count(*)::int AS count FROM sluice.step WHERE outcome = 'done'")).toEqual([
      { count: 1 },
    ]);
  },
  300_000,
);
