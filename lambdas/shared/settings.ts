import * as z from "zod";

/** What handlers know of the deployment; written by the stack into SLUICE_SETTINGS, by the command line locally. */
export const runSettings = z.strictObject({
  /** Identifier of the production instance. */
  instance: z.string().min(1),
  /** Database in that instance. */
  database: z.string().min(1),
  /** ARN of the secret with username and password; absent where the fleet's adapter knows how to connect. */
  secretArn: z.string().optional(),
  /** In addition to the plan's. */
  applicationRoles: z.array(z.string()),
  applicationUrl: z.url().optional(),
  fence: z.enum(["connect", "none"]),
  rehearse: z.enum(["before", "inside"]),
  alarms: z.array(z.string()),
  /** Where gate pages are served, without a trailing slash. */
  gateUrl: z.string(),
  /** The one who started a run may not give the Go for production. */
  separateApprover: z.boolean(),
  /** Contacts, shown on gate pages and in messages. */
  contacts: z.array(z.strictObject({ role: z.string(), name: z.string() })),
  /** Milliseconds a step waits for a lock before it gives way to the application and tries again. */
  lockTimeoutMs: z.number().int().positive(),
  /** How often a step is tried again after it gave way. */
  lockTries: z.number().int().positive(),
  /** Milliseconds an index build may wait for older transactions before its step fails with their names. */
  concurrentWaitMs: z.number().int().positive(),
});

export type RunSettings = z.infer<typeof runSettings>;
