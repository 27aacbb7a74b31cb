import type { ReadingDoc } from "../shared/documents.ts";
import type { Sample } from "../shared/ports.ts";

/** Sessions that clients may have. */
export const CONNECTION_CAPACITY = "connection-capacity";
/** Checks that were run once more and did not pass. */
export const FAILED_CHECKS = "failed-checks";

/** How many numbers of a plan that is not the deployed one are beyond their alert: nobody knew them when alarms were made. */
export const PUBLISHED_BEYOND_ALERT = "published-beyond-alert";

type Read = Pick<ReadingDoc, "values" | "connections">;

/**
 * What is graphed and alarmed on. What was not measured is no sample: an alarm keeps its state for want of one.
 * @param plan the deployed plan's numbers have alarms of their own
 */
export function samplesOf(reading: Read, plan: "deployed" | "published"): Sample[] {
  const { values, connections } = reading;
  const beyond = plan === "deployed" ? 0 : beyondAlert(reading);
  return [
    ...values.flatMap(({ name, unit, value }) => (value === null ? [] : [{ name, unit, value }])),
    ...(connections ? [{ name: CONNECTION_CAPACITY, unit: "", value: connections.most }] : []),
    ...(beyond === undefined ? [] : [{ name: PUBLISHED_BEYOND_ALERT, unit: "", value: beyond }]),
  ];
}

/** Undefined: none of those that were measured, and not all were. */
function beyondAlert({ values, connections }: Read): number | undefined {
  const count =
    values.filter(({ standing }) => standing === "alert").length +
    (connections && connections.most < connections.minimum ? 1 : 0);
  const all = values.every(({ value }) => value !== null) && connections;
  return count > 0 || all ? count : undefined;
}
