import * as z from "zod";
import { type AfterOpeningDoc, Doc, type Target } from "../shared/documents.ts";
import { ErrorName, messageOf, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { withTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import { identifier } from "../shared/sql-text.ts";
import { DONE, runFields, type Task } from "../shared/task.ts";

const event = z.strictObject({ ...runFields, target: z.enum(["production", "staging"]) });

/**
 * Runs the plan's post-migration tasks, after the opening. On production a failure is stored and reported, and the other
 * tasks still run. On staging, in the rehearsal, a failure ends the run.
 */
export const openingTask: Task<z.infer<typeof event>> = {
  name: "opening",
  event,
  async run({ target }, ports, evidence) {
    if (target === "staging") {
      const failed = (await runAll(target, ports, evidence)).filter(({ passed }) => !passed);
      if (failed.length > 0)
        throw new SluiceError(
          ErrorName.StepFailed,
          failed
            .map(({ title, message }) => `afterOpening "${title}" failed on staging: ${message}`)
            .join("; "),
        );
      return DONE;
    }
    await evidence.getOrCreate(Doc.afterOpening, async () => ({
      at: ports.clock.now().toISOString(),
      results: await runAll(target, ports, evidence),
    }));
    return DONE;
  },
};

async function runAll(
  target: Target,
  ports: Ports,
  evidence: RunEvidence,
): Promise<AfterOpeningDoc["results"]> {
  const results: AfterOpeningDoc["results"] = [];
  const { afterOpening, runAs } = ports.plan;
  for (const { title, sql } of afterOpening) {
    ports.progress(title);
    const began = ports.clock.now().getTime();
    const message = await withTarget(ports, evidence, target, async (session) => {
      if (runAs !== undefined) await session.exec(`SET ROLE ${identifier(runAs)}`);
      await session.exec(sql);
    }).then(
      () => "",
      (error: unknown) => messageOf(error),
    );
    const seconds = (ports.clock.now().getTime() - began) / 1000;
    results.push({ title, passed: message === "", seconds, message });
  }
  return results;
}
