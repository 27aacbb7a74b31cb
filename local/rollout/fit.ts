import { UsageError } from "../events.ts";
import { addressIn } from "../server/address.ts";
import { refuseUnfit } from "../server/fit.ts";
import type { RolloutOptions } from "./events.ts";

/** Databases that are looked at at the same time, before anything starts. */
const LOOKED_AT_AT_ONCE = 10;

/** Every database that no run could work on is named at once. */
export async function refuseUnfitDatabases({ databases, apply, copy }: RolloutOptions): Promise<void> {
  const problems: string[] = [];
  for (let i = 0; i < databases.length; i += LOOKED_AT_AT_ONCE)
    await Promise.all(
      databases.slice(i, i + LOOKED_AT_AT_ONCE).map(async ({ label, url }) => {
        if (url === undefined) return;
        try {
          await refuseUnfit(addressIn(url), apply, copy);
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
          problems.push(`${label}: ${error.message}`);
        }
      }),
    );
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
}
