import { describe, expect, test } from "vitest";
import { aftercareTask } from "../../../lambdas/aftercare/task.ts";
import { Doc, docName } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import type { Instance, Schedules } from "../../../lambdas/shared/ports.ts";
import { invoke } from "../../../lambdas/shared/task.ts";
import { compilePlan } from "../../../lib/plan/compile.ts";
import { memoryPorts } from "../../support/ports.ts";

const EVENT = { run: "run", execution: "arn:of:it", state: "Check the backups and start the watch" };

async function aftercare(backups: Instance["backups"], watched = true) {
  const { watch } = await compilePlan("test/plans/tiny");
  const started: Parameters<Schedules["startWatch"]>[] = [];
  const ports = memoryPorts({
    plan: watched ? { watch } : {},
    instances: { describe: async () => ({ freeBytes: 2 ** 35, backups }) as Instance } as never,
    schedules: {
      startWatch: async (...call) => {
        started.push(call);
        return true;
      },
    },
  });
  const event = { ...EVENT, planChecksum: ports.plan.checksum };
  const again = (more = {}) => invoke(aftercareTask, { ...event, ...more }, ports);
  await again();
  const doc = await evidenceOf(ports.evidence, "run").require(Doc.aftercare);
  return { doc, started, ports, again };
}

describe("after a success", () => {
  test("automated backups that are on are met, with how long they are kept", async () => {
    const { doc } = await aftercare({ days: 7, until: "2026-11-03T01:55:00.000Z" });
    expect(doc.backups).toMatchObject({ passed: true });
    expect(doc.backups.seen).toContain("7 days");
  });

  test("backups that are off are a failure, and invisible ones are unknown", async () => {
    expect((await aftercare({ days: 0 })).doc.backups.passed).toBe(false);
    expect((await aftercare(undefined)).doc.backups.passed).toBeNull();
  });

  test("the watch reads every five minutes for a day, then hourly for a week, and then it ends", async () => {
    const { started, doc } = await aftercare({ days: 7 });
    const [label, call, from, schedule] = started[0] ?? [];
    expect(label).toBe("orders-prod");
    expect(call).toMatchObject({ run: "run", action: "probe" });
    expect(from?.toISOString()).toBe("2026-11-03T02:05:00.000Z");
    expect(schedule).toEqual({
      everyMinutes: 5,
      until: "2026-11-04T02:00:00.000Z",
      thenEveryMinutes: 60,
      ends: "2026-11-11T02:00:00.000Z",
    });
    expect(doc.watch).toEqual(schedule);
  });

  test("a worker that is called twice starts it once", async () => {
    const { started, again } = await aftercare({ days: 7 });
    await again();
    expect(started).toHaveLength(1);
  });

  test("if the run was stopped after the start, the watch continues as its clean-up", async () => {
    const { started, again, ports } = await aftercare({ days: 7 });
    const cleanUp = "arn:of:the:clean-up";
    await evidenceOf(ports.evidence, "run").createOnce(docName(Doc.stopped), {
      at: "2026-11-03T02:01:00.000Z",
      cleanUp,
    });
    await again({ cleanUp });
    const [before, after] = started;
    expect(after?.[1]).toEqual({ ...before?.[1], cleanUp });
    expect(after?.[3]).toEqual(before?.[3]);
  });

  test("a plan that watches nothing starts nothing", async () => {
    const { started, doc } = await aftercare({ days: 7 }, false);
    expect(started).toEqual([]);
    expect(doc.watch).toBeNull();
  });
});
