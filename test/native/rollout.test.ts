import { afterEach, beforeEach, expect, test } from "vitest";
import { Doc, docName, type ProofDoc } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import type { RolloutDatabase } from "../../local/rollout/databases.ts";
import { evidenceBeside } from "../../local/rollout/evidence.ts";
import { databases, type NativeDatabase, onServer, tinyDatabase } from "../support/native.ts";
import { temporaryFolder } from "../support/rehearsal.ts";
import { endsIn, runRollout } from "../support/rollout.ts";

const COUNT = 8;
/** A dozen runs on a busy machine. */
const LONG = { timeout: 900_000 };

/** The last database: a column of the first migration is there already. */
const BROKEN = COUNT - 1;

let made: NativeDatabase[];
let others: string[];
beforeEach(async () => {
  others = await databases();
  made = [];
  for (let n = 0; n < COUNT; n++) made.push(await tinyDatabase());
});
afterEach(async () => {
  for (const name of (await databases()).filter((one) => !others.includes(one)))
    await onServer((s) => s.exec(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`));
});

const listed = (): RolloutDatabase[] => made.map(({ name, url }) => ({ label: name, url }));

const versionsOf = ({ url }: NativeDatabase) =>
  withPgSession({ connectionString: url }, async (session) =>
    (await session.query<{ version: number }>("SELECT version FROM versions ORDER BY 1")).map(
      ({ version }) => version,
    ),
  );

test(
  "a third wave that people do not want is rolled back and proven; started again, no database is done twice",
  LONG,
  async () => {
    const broken = made[BROKEN] as NativeDatabase;
    await withPgSession({ connectionString: broken.url }, (session) =>
      session.exec("ALTER TABLE note ADD COLUMN author text"),
    );
    const out = await temporaryFolder();
    const options = { databases: listed(), apply: true, out, name: "october", waves: [1, 3, "rest"] };

    const first = await runRollout({ ...options, noGo: ["keep-3"] });
    expect(first.end.end).toBe("Incomplete");
    expect(endsIn(first.end)).toEqual({ Succeeded: 4, RolledBack: 3, Refused: 1 });
    expect(first.gates.filter((gate) => gate.startsWith("keep-"))).toEqual(["keep-1", "keep-2", "keep-3"]);
    for (const row of first.end.rows.filter(({ end }) => end === "RolledBack")) {
      const run = evidenceOf(evidenceBeside(out), row.run);
      expect((await run.require(docName<ProofDoc>("proofs/production-rolled-back"))).equal).toBe(true);
      expect(await run.require(Doc.outcome)).toMatchObject({ end: "RolledBack" });
    }
    for (const [n, database] of made.entries())
      expect(await versionsOf(database)).toEqual(n < 4 ? [1, 2, 3] : [1]);

    const second = await runRollout(options);
    expect(endsIn(second.end)).toEqual({ Succeeded: 7, Refused: 1 });
    expect(second.end.rows[BROKEN]).toMatchObject({ end: "Refused" });
    for (const [n, { wave }] of second.end.rows.entries()) expect(wave).toBe([1, 2, 2, 2, 4, 4, 4, 4][n]);
    for (const [n, database] of made.entries())
      expect(await versionsOf(database)).toEqual(n === BROKEN ? [1] : [1, 2, 3]);
  },
);

test("without --apply the databases are only read, and no copy of them is left", LONG, async () => {
  const { end } = await runRollout({ databases: listed().slice(0, 3) });
  expect(endsIn(end)).toEqual({ Succeeded: 3 });
  for (const database of made) expect(await versionsOf(database)).toEqual([1]);
  expect((await databases()).filter((name) => !others.includes(name)).sort()).toEqual(
    made.map(({ name }) => name).sort(),
  );
});

test("a rollout that is stopped lets its runs go back, and starts no other", LONG, async () => {
  const out = await temporaryFolder();
  const options = {
    databases: listed().slice(0, 3),
    apply: true,
    out,
    name: "stopped",
    waves: ["rest"],
    atATime: 1,
  };
  const { end } = await runRollout({
    ...options,
    onEvent: (event, stop) => {
      if (event.type === "gate" && event.gate.doc.gate === "after-002") stop();
    },
  });
  expect(end.end).toBe("Incomplete");
  expect(endsIn(end)).toEqual({ RolledBack: 1, NotStarted: 2 });
  for (const database of made) expect(await versionsOf(database)).toEqual([1]);
  const again = await runRollout(options);
  expect(again.end.end).toBe("Succeeded");
  for (const database of made.slice(0, 3)) expect(await versionsOf(database)).toEqual([1, 2, 3]);
});

test("a database that cannot be copied is refused with the reason, and holds up no other", LONG, async () => {
  const [held, ...free] = listed().slice(0, 3);
  await withPgSession({ connectionString: held?.url ?? "" }, async () => {
    const { end } = await runRollout({ databases: [...free, held as RolloutDatabase] });
    expect(endsIn(end)).toEqual({ Succeeded: 2, Refused: 1 });
    expect(end.rows[2]?.cause).toMatch(/is in use, and a copy on the same server allows no other session/);
  });
});
