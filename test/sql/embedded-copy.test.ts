import { afterAll, expect, test } from "vitest";
import { takeSequences } from "../../lambdas/proof/besides.ts";
import { EmbeddedInstances } from "../../local/embedded-instances.ts";

const instances = new EmbeddedInstances("owner");
afterAll(() => instances.close());

test("in a copy of an embedded database every sequence stands where it stood", async () => {
  await instances.createFromBaseline("one", [{ path: "schema.sql", sql: "CREATE SEQUENCE public.s" }], []);
  const sequences = (host: string) => instances.withSession({ host }, takeSequences);
  await instances.withSession({ host: "one" }, async (session) => {
    await session.exec("SELECT nextval('public.s'); SELECT nextval('public.s')");
  });
  await instances.startSnapshot("snapshot", "one");
  await instances.startRestore("snapshot", "two");
  expect(await sequences("two")).toEqual(await sequences("one"));
  expect((await sequences("two"))[0]?.last).toBe("2");
});
