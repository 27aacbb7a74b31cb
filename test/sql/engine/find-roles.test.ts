import { expect, test } from "vitest";
import { findRoles, NOBODY_KEPT_OUT, whoIsKeptOut } from "../../../lambdas/preflight/find-roles.ts";
import { inspectRoles } from "../../../lambdas/preflight/inspect-roles.ts";
import { useEmbedded } from "../../support/embedded.ts";
import { memoryPorts } from "../../support/ports.ts";

const session = useEmbedded(`
  CREATE ROLE dbo LOGIN; CREATE ROLE dbo_too LOGIN; GRANT dbo TO dbo_too; CREATE ROLE keeper LOGIN;
  CREATE ROLE app LOGIN; CREATE ROLE web LOGIN; CREATE ROLE writers; GRANT writers TO web;
  CREATE ROLE by_column LOGIN; CREATE ROLE of_view LOGIN; CREATE ROLE idle LOGIN; CREATE ROLE root SUPERUSER LOGIN;
  CREATE ROLE "App Two" LOGIN; CREATE ROLE mig LOGIN;
  CREATE TABLE orders (id int, note text); ALTER TABLE orders OWNER TO dbo; CREATE VIEW seen AS SELECT 1 AS one;
  CREATE TABLE kept (id int); ALTER TABLE kept OWNER TO keeper; CREATE TABLE public_one (id int);
  GRANT SELECT ON orders TO app, "App Two", root, mig, keeper, dbo_too; GRANT INSERT ON orders TO writers;
  GRANT SELECT (note) ON orders TO by_column; GRANT SELECT ON seen TO of_view; GRANT SELECT ON public_one TO PUBLIC;
  DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO dbo', current_database()); END $$;
  SET ROLE mig;`);

test("roles that may log in, own nothing, and hold rights on tables are found, and no other", async () => {
  expect(await findRoles(session)).toEqual(["App Two", "app", "by_column", "of_view", "web"]);
});

test("a plan that keeps nobody out is reported, whatever the reason", () => {
  const nobody = (findRoles?: true) =>
    whoIsKeptOut(memoryPorts({ plan: { applicationRoles: [], ...(findRoles ? { findRoles } : {}) } }));
  expect(nobody()).toMatchObject([
    { name: NOBODY_KEPT_OUT, passed: null, seen: "`applicationRoles` is empty" },
  ]);
  expect(nobody(true)).toMatchObject([
    { name: NOBODY_KEPT_OUT, seen: expect.stringMatching(/only the owner/) },
  ]);
  expect(whoIsKeptOut(memoryPorts({ plan: { applicationRoles: ["app"] } }))).toEqual([]);
});

test("an unfit role that was found is refused, and the plan may name another instead", async () => {
  await session.exec(
    "RESET ROLE; CREATE ROLE reads_all LOGIN BYPASSRLS; GRANT SELECT ON orders TO reads_all; SET ROLE mig",
  );
  const found = await findRoles(session);
  expect(found).toContain("reads_all");
  const of = async (findRoles?: true) =>
    (
      await inspectRoles(
        session,
        memoryPorts({ plan: { applicationRoles: found, ...(findRoles ? { findRoles } : {}) } }),
      )
    ).find(({ name }) => name === "application role reads_all");
  expect(await of(true)).toMatchObject({
    passed: false,
    mend: expect.stringMatching(/Preflight found this role.*name that one in `applicationRoles`/),
  });
  expect((await of())?.mend).not.toContain("It was found");
});
