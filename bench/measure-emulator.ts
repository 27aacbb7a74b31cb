import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { snapshotPrefix } from "../lambdas/shared/names.ts";
import { type Environment, makeEnvironment } from "../test/e2e/environment.ts";
import { findNeeds } from "../test/e2e/needs.ts";
import { writePlan } from "../test/e2e/plans.ts";
import { play } from "../test/e2e/play.ts";
import { duration } from "./stats.ts";
import type { Measurement } from "./types.ts";

const SNAPSHOT_SECONDS = 60;
const TARGET_SECONDS = 20;

const WHAT = `fence to opening of the deployed stack on an emulator of AWS, a final snapshot takes ${SNAPSHOT_SECONDS} s, gates answered at once`;

/** Measures the downtime in the report, with a final snapshot and with a moment instead of it. */
export const emulator: Measurement = {
  name: "emulator",
  async measure(bench) {
    const lacks = await findNeeds().then(
      () => undefined,
      (error: Error) => error.message,
    );
    const target = `under ${TARGET_SECONDS} s`;
    if (lacks !== undefined)
      return [
        {
          ...{ what: WHAT, asWritten: "5 min (planned)", ours: "not measured", target },
          note: lacks.replaceAll("\n", " "),
          figures: { lacks },
        },
      ];
    bench.progress("the stack is deployed to the emulator");
    const environment = await makeEnvironment();
    try {
      environment.front.snapshotSeconds = (id) =>
        id.startsWith(snapshotPrefix("final")) ? SNAPSHOT_SECONDS : 0;
      bench.progress("a run with point-in-time, and one with a snapshot");
      const moment = await run(environment, "bench-moment");
      const snapshot = await run(environment, "bench-snapshot", "snapshot");
      const [ours, before] = [moment, snapshot].map(({ seconds }) => (seconds ?? Number.NaN) * 1000);
      const went = moment.end === "SUCCEEDED" && snapshot.end === "SUCCEEDED";
      return [
        {
          what: WHAT,
          asWritten: `${duration(before ?? Number.NaN)} with a snapshot`,
          ours: `${duration(ours ?? Number.NaN)} with point-in-time${went ? "" : ` (${moment.end}, ${snapshot.end})`}`,
          ratio: (before ?? Number.NaN) / (ours ?? Number.NaN),
          target,
          reached: went && (ours ?? Number.NaN) < TARGET_SECONDS * 1000,
          note: "as written is the same plan with `backup: snapshot`. Each step is a call of a function that the emulator starts as a process; waits of the state machine pass fifty times faster.",
          figures: { moment, snapshot },
        },
      ];
    } finally {
      await environment.close();
    }
  },
};

interface Ran {
  end: string;
  seconds: number | null;
  waitedSeconds: number | null;
  predictedSeconds: number | null;
}

/** Does one whole run of the tiny plan's migrations on a separate production. */
async function run(environment: Environment, name: string, backup?: "snapshot"): Promise<Ran> {
  await environment.production.reset();
  const parent = await mkdtemp(join(tmpdir(), "sluice-bench-"));
  try {
    const printed = await environment.deployment.publish(
      writePlan({
        ...{ parent, title: "Notes with labels", from: "1", folders: ["002_notes", "003_labels"] },
        ...{ asks: true, ...(backup === undefined ? {} : { backup }) },
      }),
    );
    const played = await play(environment, {
      run: name,
      input: { plan: /"plan":"(\w{12})"/.exec(printed)?.[1] },
      seconds: 900,
    });
    const { downtime } = JSON.parse(await fileOf(environment, `runs/${name}/report.json`)) as {
      downtime: Ran;
    };
    const { seconds, waitedSeconds, predictedSeconds } = downtime;
    return { end: played.error ?? played.status, seconds, waitedSeconds, predictedSeconds };
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

async function fileOf({ s3, outputs }: Environment, Key: string): Promise<string> {
  const found = await s3.send(new GetObjectCommand({ Bucket: outputs.EvidenceBucket, Key }));
  return (await found.Body?.transformToString()) ?? "";
}
