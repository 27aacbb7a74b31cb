import { join } from "node:path";
import { agrees, down, numbersIn, up, upTo } from "./agrees.ts";
import { installed } from "./install.ts";
import type { Place } from "./place.ts";

const { go } = await installed();
const plain = (at: Place) => `${at.url}?sslmode=disable`;

agrees({
  tool: "goose",
  write: (at, count) =>
    Promise.all(
      upTo(count).map((n) =>
        at.write(`0000${n}_made.sql`, `-- +goose Up\n${up(n)}\n-- +goose Down\n${down(n)}\n`),
      ),
    ),
  up: (at) => goose(at, "up"),
  applied: async (at) => numbersIn(await goose(at, "status"), /\d{4} -- (\d+)_made/),
  validate: (at) => at.run(join(go, "goose"), ["-dir", ".", "validate"]),
  differs: ["tstamp"],
  wholeRuns: true,
});
const goose = (at: Place, what: string) =>
  at.run(join(go, "goose"), ["-dir", ".", "postgres", plain(at), what]);

agrees({
  tool: "golang-migrate",
  write: (at, count) =>
    Promise.all(
      upTo(count).map(async (n) => {
        await at.write(`${n}_made.up.sql`, up(n));
        await at.write(`${n}_made.down.sql`, down(n));
      }),
    ),
  up: (at) => migrate(at, "up"),
  applied: async (at) => upTo(Number((await migrate(at, "version")).trim())),
  differs: [],
  wholeRuns: true,
});
const migrate = (at: Place, what: string) =>
  at.run(join(go, "migrate"), ["-path", ".", "-database", plain(at), what]);

agrees({
  tool: "tern",
  write: (at, count) =>
    Promise.all(
      upTo(count).map((n) =>
        at.write(`00${n}_made.sql`, `${up(n)}\n---- create above / drop below ----\n${down(n)}\n`),
      ),
    ),
  up: (at) => tern(at, "migrate"),
  applied: async (at) => upTo(numbersIn(await tern(at, "status"), /^version:\s+(\d+) of/)[0] ?? 0),
  differs: [],
});
const tern = (at: Place, what: string) =>
  at.run(join(go, "tern"), [what, "-m", ".", "--conn-string", at.url]);
