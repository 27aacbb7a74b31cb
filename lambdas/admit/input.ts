import * as z from "zod";
import { nameProblem } from "../gate/names.ts";
import { line, text } from "../gate/said.ts";
import { PLAN_NAME } from "../shared/stored-plans.ts";

/** What an operator may give to StartExecution; `{}` will do. What a gate's form refuses is refused here too. */
export const operatorInput = z.strictObject({
  startedBy: line(200)
    .superRefine((name, context) => {
      const message = nameProblem(name);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
    .optional(),
  reason: text(2000).optional(),
  /** Checksum of a published plan, or its first letters; the one that is deployed unless named. */
  plan: z
    .string()
    .regex(PLAN_NAME, "the checksum of a published plan, or its first twelve letters, in lower case")
    .optional(),
  /** Which of the deployment's databases it is of; the one that there is unless named. */
  database: line(200).optional(),
  /** Why this run may be outside the maintenance window. */
  outsideWindow: text(2000)
    .transform((why) => why.trim())
    .refine((why) => why !== "", "say why")
    .optional(),
});
