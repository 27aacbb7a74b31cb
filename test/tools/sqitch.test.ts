import { agrees, down, up, upTo } from "./agrees.ts";
import type { Place } from "./place.ts";

const moment = (n: number) => `2026-01-28T11:54:0${n}Z`;

/** Each change requires the one before it, and the second is tagged. */
agrees({
  tool: "sqitch",
  write: async (at, count) => {
    await at.write("sqitch.conf", "[core]\n\tengine = pg\n");
    const lines = upTo(count).flatMap((n) => [
      `made${n} ${n === 1 ? "" : `[made${n - 1}] `}${moment(n)} Ann <ann@example.org> # the ${n}th`,
      ...(n === 2 ? [`@v2 ${moment(n)} Ann <ann@example.org> # a tag`] : []),
    ]);
    await at.write("sqitch.plan", ["%syntax-version=1.0.0", "%project=shop", "", ...lines, ""].join("\n"));
    for (const n of upTo(count)) {
      await at.write(`deploy/made${n}.sql`, `BEGIN;\n${up(n)}\nCOMMIT;\n`);
      await at.write(`revert/made${n}.sql`, `BEGIN;\n${down(n)}\nCOMMIT;\n`);
      await at.write(`verify/made${n}.sql`, `SELECT id FROM made${n} WHERE false;\n`);
    }
  },
  // It exits with 1 where there is nothing to do.
  up: (at) =>
    sqitch(at, "deploy", database(at)).catch((error: Error) => {
      if (!error.message.includes("Nothing to deploy")) throw error;
    }),
  applied: async (at) => {
    const said = await sqitch(at, "log", "--format", "format:%e %n", database(at));
    const deployed = new Set<number>();
    for (const line of said.split("\n").reverse()) {
      const [, event, n] = /^(deploy|revert) made(\d)$/.exec(line) ?? [];
      if (event === "deploy") deployed.add(Number(n));
    }
    return [...deployed].sort();
  },
  validate: (at) => sqitch(at, "verify", database(at)),
  differs: ["committed_at", "committer_name", "committer_email"],
  wholeRuns: true,
});

const database = ({ server, user, database: name }: Place) => `db:pg://${user}@${server.host}/${name}`;
const sqitch = (at: Place, ...args: string[]) =>
  at.run("sqitch", args, { SQITCH_FULLNAME: "Ann", SQITCH_EMAIL: "ann@example.org" });
