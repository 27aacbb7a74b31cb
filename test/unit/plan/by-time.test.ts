import { loadModule } from "libpg-query";
import { beforeAll, expect, test } from "vitest";
import { picksByTime } from "../../../lib/plan/by-time.ts";
import { splitStatements } from "../../../lib/plan/statements.ts";

beforeAll(loadModule);

const byTime = (sql: string) => splitStatements(sql, 1).some(picksByTime);

test.each([
  "DELETE FROM session WHERE ends < now()",
  "DELETE FROM session WHERE ends < CURRENT_DATE - 30",
  "DELETE FROM session WHERE ends < 'now'::timestamptz",
  "UPDATE session SET over = true FROM person p WHERE p.id = person AND age(p.seen) > interval '1 year'",
  "CREATE TABLE old AS SELECT * FROM session WHERE ends < pg_catalog.clock_timestamp()",
  "WITH old AS (SELECT id FROM session WHERE ends < localtimestamp) DELETE FROM session USING old WHERE old.id = session.id",
  "DELETE FROM session WHERE id IN (SELECT id FROM session ORDER BY random() LIMIT 10)",
  "DELETE FROM session WHERE id IN (SELECT id FROM session TABLESAMPLE bernoulli (1))",
  "DO $$ BEGIN DELETE FROM session WHERE ends < now(); END $$",
])("picks rows by the time or by chance: %s", (sql) => {
  expect(byTime(sql)).toBe(true);
});

test.each([
  "UPDATE account SET email = lower(email), changed_at = now() WHERE email <> lower(email)",
  "INSERT INTO kind (name, made) VALUES ('new', current_timestamp)",
  "DELETE FROM account WHERE owner = current_user AND name = 'nowhere'",
  "DELETE FROM visit WHERE at < '2020-01-01'",
  "DO $$ BEGIN DELETE FROM account WHERE known; END $$",
])("picks the same rows whenever it runs: %s", (sql) => {
  expect(byTime(sql)).toBe(false);
});
