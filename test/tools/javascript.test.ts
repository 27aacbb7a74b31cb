import { createHash } from "node:crypto";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { agrees, down, numbersIn, up, upTo } from "./agrees.ts";
import { installed } from "./install.ts";
import type { Place } from "./place.ts";

const { npm } = await installed();
const program = (name: string) => join(npm, "node_modules/.bin", name);
const three = (n: number) => String(n).padStart(3, "0");
const each = (count: number, write: (n: number) => Promise<void>) => Promise.all(upTo(count).map(write));

agrees({
  tool: "dbmate",
  write: (at, count) =>
    each(count, (n) =>
      at.write(`${three(n)}_made.sql`, `-- migrate:up\n${up(n)}\n-- migrate:down\n${down(n)}\n`),
    ),
  up: (at) => dbmate(at, "up"),
  applied: async (at) => numbersIn(await dbmate(at, "status"), /^\[X\] (\d+)_made/),
  differs: [],
});
const dbmate = (at: Place, what: string) =>
  at.run(program("dbmate"), ["--url", `${at.url}?sslmode=disable`, "-d", ".", "--no-dump-schema", what]);

agrees({
  tool: "node-pg-migrate",
  write: (at, count) =>
    each(count, (n) =>
      at.write(`${three(n)}_made.sql`, `-- Up Migration\n${up(n)}\n-- Down Migration\n${down(n)}\n`),
    ),
  up: (at) => nodePgMigrate(at),
  applied: async (at, count) => {
    const pending = numbersIn(await nodePgMigrate(at, "--dry-run"), /^> - (\d+)_made/);
    return upTo(count).filter((n) => !pending.includes(n));
  },
  differs: ["run_on"],
});
const nodePgMigrate = (at: Place, ...more: string[]) =>
  at.run(program("node-pg-migrate"), ["up", "-m", ".", ...more], { DATABASE_URL: at.url });

/** Each committed file carries the hash of the one before it. */
const committed = (n: number): { hash: string; previous: string | null; body: string } => {
  const previous = n === 1 ? null : committed(n - 1).hash;
  const body = `${up(n)}\n`;
  const text = previous === null ? body : `${previous}\n${body}`;
  return { previous, body, hash: `sha1:${createHash("sha1").update(text).digest("hex")}` };
};
agrees({
  tool: "graphile-migrate",
  write: (at, count) =>
    each(count, (n) => {
      const { hash: own, previous, body } = committed(n);
      return at.write(
        `migrations/committed/000${three(n)}-made.sql`,
        `--! Previous: ${previous ?? "-"}\n--! Hash: ${own}\n--! Message: made\n\n${body}`,
      );
    }),
  up: (at) => graphileMigrate(at, "migrate"),
  applied: async (at, count) => {
    // It exits with 1 where something is pending.
    const said = await graphileMigrate(at, "status").catch((error: Error) => {
      if (!error.message.includes("pending")) throw error;
      return error.message;
    });
    const pending = numbersIn(said, /^\s+(\d+)\.sql/);
    return upTo(count).filter((n) => !pending.includes(n));
  },
  imports: { from: "migrations" },
  differs: ["date"],
});
async function graphileMigrate(at: Place, what: string): Promise<string> {
  await at.write(
    ".gmrc",
    JSON.stringify({ connectionString: at.url, shadowConnectionString: `${at.url}_shadow` }),
  );
  return at.run(program("graphile-migrate"), [what]);
}

const when = (n: number) => 1_700_000_000_000 + n;
agrees({
  tool: "drizzle",
  write: async (at, count) => {
    const entries = upTo(count).map((n) => ({
      idx: n - 1,
      version: "7",
      when: when(n),
      tag: `${three(n)}_made`,
      breakpoints: true,
    }));
    await each(count, (n) => at.write(`out/${three(n)}_made.sql`, up(n)));
    await at.write(
      "out/meta/_journal.json",
      JSON.stringify({ version: "7", dialect: "postgresql", entries }),
    );
    await symlink(join(npm, "node_modules"), join(at.folder, "node_modules")).catch(() => undefined);
  },
  up: async (at) => {
    const config = { dialect: "postgresql", out: "./out", dbCredentials: { url: at.url } };
    await at.write("drizzle.config.js", `module.exports = ${JSON.stringify(config)}`);
    await at.run(program("drizzle-kit"), ["migrate"]);
  },
  imports: { from: "out" },
  differs: [],
});

agrees({
  tool: "knex",
  write: (at, count) =>
    each(count, (n) =>
      at.write(
        `migrations/${three(n)}_made.js`,
        `exports.up = (knex) => knex.raw("${up(n)}"); exports.down = (knex) => knex.raw("${down(n)}");`,
      ),
    ),
  up: (at) => knex(at, "migrate:latest"),
  applied: async (at) => {
    const [done = ""] = (await knex(at, "migrate:list")).split(/^(?:Found \d+|No) Pending/m);
    return numbersIn(done, /^(\d+)_made/);
  },
  byHand: (n) => ({ version: `${three(n)}_made.js`, row: { name: `${three(n)}_made.js` } }),
  // A run's migrations are a batch each, so that `knex migrate:rollback` takes back one at a time.
  differs: ["batch", "migration_time"],
});
async function knex(at: Place, what: string): Promise<string> {
  await at.write("knexfile.js", `module.exports = { client: "pg", connection: "${at.url}" }`);
  return at.run(program("knex"), [what], { NODE_PATH: join(npm, "node_modules") });
}

agrees({
  tool: "postgrator",
  write: (at, count) =>
    each(count, async (n) => {
      await at.write(`${three(n)}.do.made.sql`, up(n));
      await at.write(`${three(n)}.undo.made.sql`, down(n));
    }),
  // It compares the checksums of what is applied each time.
  up: (at) => postgrator(at, "migrate"),
  applied: async (at) => upTo(Number(await postgrator(at, "version"))),
  differs: ["run_at"],
});
const postgrator = (at: Place, what: string) =>
  at.run("node", [join(npm, "postgrator.mjs"), at.url, at.folder, what]);
