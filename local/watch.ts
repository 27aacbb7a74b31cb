import { setTimeout as sleep } from "node:timers/promises";
import { findRoles } from "../lambdas/preflight/find-roles.ts";
import type { Reading } from "../lambdas/shared/documents.ts";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import { alone, aloneAsGuest, GUARDS, takeReading } from "../lambdas/watch/take-reading.ts";
import { addressIn } from "./server/address.ts";
import { withGuestAt } from "./server/session.ts";

/** Milliseconds over which counters are observed if there is no earlier reading. */
const COUNTED_MS = 10_000;

/**
 * Takes one reading of every metric of the plan, on any database. Counters are counted since the reading before or, without
 * one, over ten seconds.
 * @returns why there is none, if another probe or a run has the database
 */
export async function readOnce(
  plan: CompiledPlan,
  databaseUrl: string,
  before: Reading | undefined,
  countedMs = COUNTED_MS,
): Promise<{ value: Reading } | { because: string }> {
  const began = Date.now();
  const own = { application_name: "sluice watch" };
  return await withGuestAt(addressIn(databaseUrl), own, GUARDS, (session, pooled) => {
    const reading = async () =>
      takeReading(session, {
        plan,
        roles: plan.findRoles ? await findRoles(session) : plan.applicationRoles,
        freeBytes: null,
        before,
        untilCounted: async () => {
          if (!before) await sleep(Math.max(0, countedMs - (Date.now() - began)));
        },
        now: () => new Date(),
      });
    return pooled ? aloneAsGuest(session, reading) : alone(session, "", reading);
  });
}
