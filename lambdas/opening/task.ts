import * as z from "zod";
import { type AfterOpeningDoc, Doc } from "../shared/documents.ts";
import { messageOf } from "../shared/errors.ts";
import { withTarget } from "../shared/places.ts";
import { DONE, runFields, type Task } from "../shared/task.ts";

const event = z.strictObject(runFields);

/** What the plan wants done once the application is in. A failure is kept and told; the others are done all the same. */
export const openingTask: Task<z.infer<typeof event>> = {
  name: "opening",
  event,
  async run(_request, ports, evidence) {
    await evidence.once<AfterOpeningDoc>(Doc.afterOpening, async () => {
      const results: AfterOpeningDoc["results"] = [];
      for (const { title, sql } of ports.plan.afterOpening) {
        ports.progress(title);
        const began = ports.clock.now().getTime();
        const message = await withTarget(ports, evidence, "production", (session) => session.exec(sql)).then(
          () => "",
          (error: unknown) => messageOf(error),
        );
        results.push({
          title,
          passed: message === "",
          seconds: (ports.clock.now().getTime() - began) / 1000,
          message,
        });
      }
      return { at: ports.clock.now().toISOString(), results };
    });
    return DONE;
  },
};
