import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GateDecisionDoc } from "../../lambdas/shared/documents.ts";
import { rolloutRun } from "../../lambdas/shared/rollout-name.ts";
import { eventually } from "./command.ts";
import { type Environment, makeEnvironment } from "./environment.ts";
import { writePlan } from "./plans.ts";
import { DATABASE } from "./production.ts";

const TENANTS = [1, 2, 3, 4, 5].map((n) => `tenant-${n}`);
const NAME = "spring";

let environment: Environment;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-rollout-"));
  environment = await makeEnvironment("instance", TENANTS);
});
afterAll(async () => {
  await environment?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("a rollout over five databases, one of them broken", () => {
  test("stops where a wave fails, takes that wave back, and does no database twice although it was killed", async () => {
    const plan = writePlan({
      parent: folder,
      title: "Notes have authors",
      from: "1",
      folders: ["002_notes"],
      asks: false,
    });
    const [, checksum = ""] = /([0-9a-f]{64})/.exec(await environment.deployment.publish(plan)) ?? [];
    const broken = environment.tenants[3];
    await broken?.asSuperuser("ALTER TABLE note ADD COLUMN author text");
    const input = {
      name: NAME,
      plan: checksum,
      databases: "tenant-*",
      waves: [1, 2, "rest"],
      atATime: 5,
      startedBy: "Ada",
    };
    const asked = new Asked();

    const first = await environment.rollouts.start("spring-first", input);
    // The canary asks people at each of its own gates, and waits for its wave at the last one.
    const canary = rolloutRun(NAME, 1, 0);
    await asked.answer(canary, "readiness", "Go", "tenant-1");
    await asked.answer(canary, "rehearsal", "Go", "tenant-1");
    await asked.answer(canary, "open", "Go", "tenant-1");
    await asked.answer(NAME, "keep-1", "Go", NAME);
    await asked.answer(NAME, "start-2", "Go", NAME);
    // The second wave is answered by that Go alone, as its databases are like the canary.
    await asked.wait(NAME, "keep-2");
    for (const index of [1, 2])
      for (const gate of ["readiness", "rehearsal", "open"])
        expect(await decision(rolloutRun(NAME, 2, index), gate)).toMatchObject({
          decision: "Go",
          by: "Grace Hopper",
          byWave: { rollout: NAME, wave: 2, gate: "start-2" },
        });
    expect(environment.people.linksOf(rolloutRun(NAME, 2, 1))).toEqual([]);

    await environment.rollouts.stop(first);
    const second = await environment.rollouts.start("spring-second", input);
    await asked.answer(NAME, "keep-2", "Go", NAME, 2);
    await asked.answer(NAME, "start-3", "Go", NAME);
    await asked.answer(NAME, "keep-3", "NoGo", NAME);
    const ended = await environment.rollouts.end(second, 600);

    expect(ended.error).toBe("Incomplete");
    expect(ended.cause).toContain("3 of 5 databases are migrated");
    expect(ended.cause).toContain(`tenant-4/${DATABASE} Refused, tenant-5/${DATABASE} RolledBack`);
    const versions = await Promise.all(environment.tenants.map((tenant) => tenant.versions()));
    expect(versions).toEqual([["1", "2"], ["1", "2"], ["1", "2"], ["1"], ["1"]]);
    // Killed and started again, each database had one run.
    const runs = await runsOfRollout();
    expect(runs).toEqual([
      rolloutRun(NAME, 1, 0),
      rolloutRun(NAME, 2, 1),
      rolloutRun(NAME, 2, 2),
      rolloutRun(NAME, 3, 3),
      rolloutRun(NAME, 3, 4),
    ]);
    const page = await fileOf(NAME, "rollout-2.html");
    for (const run of runs) expect(page).toContain(`href="../${run}/report.html"`);
    // Databases and ends are in the evidence alone, whatever their number.
    const largest = Math.max(...ended.history.map((event) => event.length));
    expect(largest).toBeLessThan(16_000);
  });
});

/** Answers gates by the links that are published, each once. */
class Asked {
  async wait(run: string, gate: string, nth = 1): Promise<string> {
    const found = () => environment.people.linksOf(run).filter((link) => link.gate === gate)[nth - 1];
    try {
      await eventually(async () => found() !== undefined, `the link to ${gate} of ${run}`, 300);
    } catch (error) {
      const standing = [...(await environment.rollouts.standing()), ...(await environment.runs.standing())];
      throw new Error(`${(error as Error).message}:\n${standing.join("\n")}`, { cause: error });
    }
    return found()?.link ?? "";
  }

  async answer(run: string, gate: string, decision: "Go" | "NoGo", named: string, nth = 1): Promise<void> {
    const link = await this.wait(run, gate, nth);
    const page = await environment.people.decide(link, decision, "Grace Hopper", named);
    if (page.status !== 200)
      throw new Error(`The answer to ${gate} of ${run} got ${page.status}: ${page.body.slice(0, 3_000)}`);
  }
}

async function runsOfRollout(): Promise<string[]> {
  const keys = await keysOf(`runs/${NAME}-w`);
  return [...new Set(keys.flatMap((key) => /^runs\/([^/]+)\//.exec(key)?.[1] ?? []))].sort();
}

async function keysOf(Prefix: string): Promise<string[]> {
  const keys: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await environment.s3.send(
      new ListObjectsV2Command({ Bucket: environment.outputs.EvidenceBucket, Prefix, ContinuationToken }),
    );
    keys.push(...(page.Contents ?? []).map(({ Key = "" }) => Key));
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return keys;
}

async function decision(run: string, gate: string): Promise<GateDecisionDoc> {
  return JSON.parse(await fileOf(run, `gates/${gate}-1/decision.json`)) as GateDecisionDoc;
}

const fileOf = (run: string, name: string) => objectAt(`runs/${run}/${name}`);

async function objectAt(Key: string): Promise<string> {
  const { Body } = await environment.s3.send(
    new GetObjectCommand({ Bucket: environment.outputs.EvidenceBucket, Key }),
  );
  return (await Body?.transformToString()) ?? "";
}
