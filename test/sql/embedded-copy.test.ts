import { afterAll, expect, test } from "vitest";
import { takeSequences } from "../../lambdas/record/sequences.ts";
import { EmbeddedFleet } from "../../local/embedded-fleet.ts";

const fleet = new EmbeddedFleet("owner");
afterAll(() => fleet.close());

test("in a copy of an embedded database every sequence stands where it stood", async () => {
  await fleet.createFromBaseline("one", [{ path: "schema.sql", sql: "CREATE SEQUENCE public.s" }], []);
  const sequences = (host: string) => fleet.withSession({ host }, takeSequences);
  await fleet.withSession({ host: "one" }, async (session) => {
    await session.exec("SELECT nextval('public.s'); SELECT nextval('public.s')");
  });
  await fleet.startSnapshot("snapshot", "one");
  await fleet.startRestore("snapshot", "two");
  expect(await sequences("two")).toEqual(await sequences("one"));
  expect((await sequences("two"))[0]?.last).toBe("2");
});
