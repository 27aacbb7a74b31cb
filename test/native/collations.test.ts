import { afterEach, beforeEach, expect, test } from "vitest";
import { takeTableContent } from "../../lambdas/proof/checksums.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import { onServer, urlOf } from "../support/native.ts";

const NAME = `sluice_test_collations_${process.pid}`;
beforeEach(() => onServer((session) => session.exec(`CREATE DATABASE ${NAME}`)));
afterEach(() => onServer((session) => session.exec(`DROP DATABASE ${NAME} WITH (FORCE)`)));

test.each([
  ["text COLLATE nocase", "'Ann@x'", "'ann@x'"],
  ["name_of", "'Ann@x'", "'ann@x'"],
  ["name_of[]", "'{Ann@x}'", "'{ann@x}'"],
  ["text[] COLLATE nocase", "'{Ann@x}'", "'{ann@x}'"],
  ["pair", "'(1,Ann@x)'", "'(1,ann@x)'"],
  ["span", "'[Ann,Bob]'", "'[ann,Bob]'"],
  ["char(5) COLLATE nocase", "'Ann'", "'ann'"],
])("in %s a letter's case is seen, though the collation holds it equal", async (type, was, is) => {
  await withPgSession({ connectionString: urlOf(NAME) }, async (session) => {
    await session.exec(`
      CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE DOMAIN name_of AS text COLLATE nocase; CREATE TYPE pair AS (a int, b text COLLATE nocase);
      CREATE TYPE span AS RANGE (subtype = text, collation = nocase);
      CREATE TABLE t (id int PRIMARY KEY, v ${type}); INSERT INTO t VALUES (1, ${was})`);
    const take = () => takeTableContent(session, "public.t", ["id", "v"], "full", { sums: true });
    const before = await take();
    await session.exec(`UPDATE t SET v = ${is}`);
    const after = await take();
    expect(after.checksum).not.toBe(before.checksum);
    expect(after.sums?.v).not.toBe(before.sums?.v);
  });
});
