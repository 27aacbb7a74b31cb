import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { type ChecksDoc, docName, type FenceDoc, type GateDoc } from "../../lambdas/shared/documents.ts";
import { newPlan } from "../../local/new-plan.ts";
import { runPlan, temporaryFolder } from "../support/rehearsal.ts";

/** As pg_dump writes it, with rows, and with statements that need psql or a superuser. */
const BASELINE = `--
-- PostgreSQL database dump
--

\\restrict k2Jd

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;

CREATE ROLE app LOGIN;
CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;
COMMENT ON EXTENSION pgcrypto IS 'cryptographic functions';

CREATE TABLE public.orders (
    id bigint NOT NULL,
    note text,
    at timestamp with time zone DEFAULT now()
);
ALTER TABLE public.orders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.orders_id_seq START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1
);
COPY public.orders (id, note, at) FROM stdin;
1	it's; a $$ "test" 🚀	2026-01-01 00:00:00+00
2	\\N	2026-01-01 00:00:00+00
3	tab\\there\\nline \\\\ back	\\N
\\.
SELECT pg_catalog.setval('public.orders_id_seq', 3, true);
ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
GRANT SELECT,INSERT ON TABLE public.orders TO app;

\\unrestrict k2Jd
`;

async function planOf(files: Record<string, string>): Promise<string> {
  const folder = join(await temporaryFolder(), "shop");
  for (const [path, text] of Object.entries({ "baseline.sql": BASELINE, ...files })) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

const LINE = {
  "012_Add-comment/migrate.sql": "ALTER TABLE orders ADD COLUMN comment text;\r\n",
  "012_Add-comment/rollback.sql": "ALTER TABLE orders DROP COLUMN IF EXISTS comment;\r\n",
};

describe("a folder with one line of SQL and one back", () => {
  test("goes through a whole run, which keeps out the roles that it found and shows them first", async () => {
    const { end, evidence } = await runPlan({ plan: await planOf(LINE) });
    expect(end.end).toBe("Succeeded");
    expect(await evidence.require(docName<FenceDoc>("fence"))).toMatchObject({ roles: ["app"] });
    for (const gate of ["readiness", "rehearsal"])
      expect((await evidence.require(docName<GateDoc>(`gates/${gate}-1/request`))).warnings?.[0]).toMatch(
        /does not name the application's roles.*keeps them out during the migration: app\. A Go confirms/,
      );
    expect(await evidence.require(docName<ChecksDoc>("checks/production-012-1"))).toMatchObject({
      results: [{ name: "the same objects as in the rehearsal", passed: true }],
    });
    expect(await evidence.require(docName<ChecksDoc>("checks/production-012-all"))).toMatchObject({
      results: [{ name: "nothing is left invalid or not validated", passed: true }],
    });
    expect(end.report.migrations).toMatchObject([{ title: "Add comment", expectedSeconds: null }]);
    expect(end.report.timeline.plannedSeconds).toBeNull();
  });

  test("is brought back where production becomes something else than staging did", async () => {
    const { end } = await runPlan({
      plan: await planOf({
        "012_a/migrate.sql":
          "DO $$ BEGIN EXECUTE format('ALTER TABLE orders ADD COLUMN c%s int', (extract(epoch FROM clock_timestamp()) * 1000)::bigint); END $$;",
        "012_a/rollback.sql":
          "DO $$ DECLARE c text; BEGIN FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname ~ '^c\\d' AND NOT attisdropped LOOP EXECUTE 'ALTER TABLE orders DROP COLUMN ' || c; END LOOP; END $$;",
      }),
    });
    expect(end.end).toBe("RolledBack");
    expect(end.cause).toMatch(
      /the same objects as in the rehearsal.*as on staging, seen column public\.orders\.c\d+ removed; 012_a\/migrate/,
    );
  });

  test("is refused where it leaves a constraint that is not validated, which a file of checks may allow", async () => {
    const migrate = "ALTER TABLE orders ADD CONSTRAINT c CHECK (note <> '') NOT VALID;";
    const files = {
      "012_a/migrate.sql": migrate,
      "012_a/rollback.sql": "ALTER TABLE orders DROP CONSTRAINT IF EXISTS c;",
    };
    const { end } = await runPlan({ plan: await planOf(files) });
    expect(end.end).toBe("Refused");
    expect(end.cause).toMatch(
      /nothing is left invalid or not validated.*constraint c on public\.orders is NOT VALID/,
    );
  });

  test("shows at the first gates where its files are read differently than written", async () => {
    const { end, evidence } = await runPlan({
      plan: await planOf({
        "012_a/migrate.sql":
          "BEGIN;\nALTER TABLE orders ADD COLUMN c int;\nCOMMIT;\nCREATE INDEX CONCURRENTLY i ON orders (c);\n",
        "012_a/rollback.sql": "ALTER TABLE orders DROP COLUMN IF EXISTS c;",
      }),
    });
    expect(end.end).toBe("Succeeded");
    const told = /012_a\/migrate\.sql, line 4: split into 2 steps \(lines 2, 4\): CREATE INDEX CONCURRENTLY/;
    const { warnings } = await evidence.require(docName<GateDoc>("gates/readiness-1/request"));
    expect(warnings?.join("\n")).toMatch(told);
    expect(end.report.migrations[0]?.notices.join("\n")).toMatch(told);
  });
});

test("what sluice new makes goes through a whole run as it is", async () => {
  const folder = join(await temporaryFolder(), "order-labels");
  expect((await newPlan(folder, undefined)).join("\n")).toMatch(/sluice rehearse --plan/);
  const { end } = await runPlan({ plan: folder });
  expect(end.end).toBe("Succeeded");
  expect(end.report.preflight?.checks.find(({ name }) => name === "nobody is kept out")?.passed).toBeNull();
  await expect(newPlan(folder, undefined)).rejects.toThrow(/already has 001_first, plan\.yaml/);
});
