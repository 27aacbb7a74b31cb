import { afterAll, beforeAll, expect, test } from "vitest";
import { play } from "./play.ts";
import { makeWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await makeWorld();
}, 600_000);
afterAll(() => world?.close());

test("a run succeeds", async () => {
  await world.production.reset();
  const played = await play(world, { run: "goes-well" });
  console.error(played);
  expect(played).toMatchObject({ status: "SUCCEEDED" });
  expect(await world.production.versions()).toEqual(["1", "2", "3"]);
}, 600_000);
