import type { Session } from "../lambdas/shared/session.ts";
import { migrate } from "./engine.ts";
import { count, duration, median, timed } from "./stats.ts";
import type { Measurement, Result } from "./types.ts";

const RUNS = 25;
const SMALL = "one-percent";

/** Settings that isolate the policy's cost for a sequential scan: no index, no workers, no JIT. */
const PLAIN = `SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;
  SET max_parallel_workers_per_gather = 0; SET jit = off`;

/** The plan's policies, both permissive, on a copy of the table: a setting read for every row, and rules of the reader's. */
const AS_WRITTEN = `
  CREATE SCHEMA as_written;
  GRANT USAGE ON SCHEMA as_written TO v2_app;
  CREATE TABLE as_written.tenants AS SELECT id, isolation_level::text, ''::text AS sharing_rules FROM tenants;
  ALTER TABLE as_written.tenants ADD PRIMARY KEY (id);
  CREATE TABLE as_written.tenant_privacy_config AS TABLE tenant_privacy_config;
  ALTER TABLE as_written.tenant_privacy_config ADD PRIMARY KEY (tenant_id);
  CREATE TABLE as_written.performance_events AS TABLE performance_events;
  GRANT SELECT ON ALL TABLES IN SCHEMA as_written TO v2_app;
  ALTER TABLE as_written.performance_events ENABLE ROW LEVEL SECURITY;
  CREATE POLICY tenant_strict_isolation ON as_written.performance_events
    USING (tenant_id = current_setting('app.current_tenant', true));
  CREATE POLICY tenant_shared_access ON as_written.performance_events
    USING (EXISTS (
      SELECT 1 FROM as_written.tenants t
      WHERE t.id = current_setting('app.current_tenant', true) AND t.isolation_level = 'shared'
        AND performance_events.tenant_id::text = ANY (string_to_array(t.sharing_rules, ','))));`;

const AS_WRITTEN_FEDERATED = `
  DROP POLICY tenant_shared_access ON as_written.performance_events;
  CREATE POLICY tenant_federated_access ON as_written.performance_events
    USING (EXISTS (
      SELECT 1 FROM as_written.tenants t JOIN as_written.tenant_privacy_config p ON p.tenant_id = t.id
      WHERE t.id = current_setting('app.current_tenant', true) AND t.isolation_level = 'federated'
        AND p.allow_cross_tenant_learning
        AND performance_events.tenant_id::text = ANY (p.allowed_tenant_groups)));`;

/** Compares a sequential scan under the tenant's policy with an explicit filter without a policy. */
export const rowSecurity: Measurement = {
  name: "row-security",
  async measure(bench) {
    const rows = Math.min(bench.sizes.rows, 1_000_000);
    bench.progress(`policies, ${count(rows)} rows`);
    const database = await bench.copyOf(await bench.baseline({ events: rows, agents: 10_000 }));
    await migrate(bench, database, "006", "007");
    const vacuum = () =>
      database.asSuperuser((session) => session.exec("VACUUM (ANALYZE) performance_events"));
    await vacuum();

    const results: Result[] = [];
    const compare = async (share: string, tenant: string) => {
      const query = (table: string, filter: string) =>
        `SELECT count(*), max(created_at) FROM ${table} WHERE ${filter}`;
      await database.asSuperuser((session) => session.exec("DROP SCHEMA IF EXISTS as_written CASCADE"));
      await database.asSuperuser((session) => session.exec(AS_WRITTEN));
      await database.asSuperuser((session) => session.exec("VACUUM (ANALYZE) as_written.performance_events"));
      const figures = await database.asSuperuser((plain) =>
        database.asApplication(tenant, async (application) => {
          await plain.exec(PLAIN);
          await application.exec(PLAIN);
          const explicit = (table: string) => () => plain.query(query(table, `tenant_id = '${tenant}'`));
          const policy = (session: Session, table: string) => () => session.query(query(table, "true"));
          const ours = await inTurns(
            explicit("performance_events"),
            policy(application, "performance_events"),
          );
          const shared = await inTurns(
            explicit("as_written.performance_events"),
            policy(application, "as_written.performance_events"),
          );
          await plain.exec(AS_WRITTEN_FEDERATED);
          const federated = await inTurns(
            explicit("as_written.performance_events"),
            policy(application, "as_written.performance_events"),
          );
          return { ours, shared, federated };
        }),
      );
      const { ours, shared, federated } = figures;
      results.push({
        what: `seq scan of ${count(rows)} rows under the tenant's policy, ${share}: times an explicit filter without`,
        asWritten: `${shared.ratio.toFixed(2)} (federated ${federated.ratio.toFixed(2)})`,
        ours: `${ours.ratio.toFixed(3)} (${duration(ours.policy)} to ${duration(ours.explicit)})`,
        ratio: shared.ratio / ours.ratio,
        target: "at most 1.05",
        reached: ours.ratio <= 1.05,
        note: results.length > 0 ? undefined : `medians of ${RUNS}, the two in turns, one process each.`,
        figures,
      });
    };

    await compare("all pass", "default-tenant");
    await database.asOwner((session) =>
      session.exec(`
        SELECT create_tenant('${SMALL}', 'bench', 'One percent');
        ALTER TABLE performance_events DISABLE TRIGGER USER;
        UPDATE performance_events SET tenant_id = '${SMALL}' WHERE hashtext(id::text) % 100 = 0;
        ALTER TABLE performance_events ENABLE TRIGGER USER`),
    );
    await vacuum();
    await compare("1 % pass", SMALL);
    await bench.drop(database);
    return results;
  },
};

/** Measures both in turns, so that other load on the machine affects both. */
async function inTurns(explicit: () => Promise<unknown>, policy: () => Promise<unknown>) {
  const times: { explicit: number[]; policy: number[] } = { explicit: [], policy: [] };
  await explicit();
  await policy();
  for (let run = 0; run < RUNS; run++) {
    times.explicit.push((await timed(explicit)).ms);
    times.policy.push((await timed(policy)).ms);
  }
  const [one, other] = [median(times.explicit), median(times.policy)];
  return { explicit: one, policy: other, ratio: other / one };
}
