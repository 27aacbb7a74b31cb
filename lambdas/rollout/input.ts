import * as z from "zod";
import { nameProblem } from "../gate/names.ts";
import { line, text } from "../gate/said.ts";
import { PLAN_NAME } from "../shared/plan-document.ts";
import { ROLLOUT_NAME } from "../shared/rollout-name.ts";
import { whyNoSize } from "./waves.ts";

/** Steps that an execution's history, of 25,000 events, has room for. */
const MOST_WAVES = 50;

const size = z.union([z.number(), z.string().max(20)]).superRefine((value, context) => {
  const message = whyNoSize(value);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

/** What an operator gives to StartExecution of the rollout's machine. */
export const rolloutInput = z.strictObject({
  /** The execution's name unless given. The name of an earlier rollout continues that rollout. */
  name: z
    .string()
    .regex(ROLLOUT_NAME, "at most 40 letters, digits, - and _, and a letter or digit first")
    .optional(),
  plan: z
    .string()
    .regex(PLAN_NAME, "the checksum of a published plan, or its first twelve letters, in lower case")
    .optional(),
  /** A list in the evidence's bucket, a pattern, or names. */
  databases: z.union([line(1000), z.array(line(200)).min(1).max(10_000)]),
  waves: z.array(size).min(1).max(MOST_WAVES).default([1, "10 %", "rest"]),
  atATime: z.number().int().min(1).max(1_000).default(10),
  tolerated: z.number().int().nonnegative().default(0),
  startedBy: line(200)
    .superRefine((name, context) => {
      const message = nameProblem(name);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
    .optional(),
  reason: text(2000).optional(),
  /** Why its runs may be outside the maintenance window. */
  outsideWindow: text(2000)
    .transform((why) => why.trim())
    .refine((why) => why !== "", "say why")
    .optional(),
});

export type RolloutInput = z.infer<typeof rolloutInput>;
