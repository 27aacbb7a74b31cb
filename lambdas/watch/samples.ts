import type { ReadingDoc } from "../shared/documents.ts";
import type { Sample } from "../shared/ports.ts";

/** Sessions that clients may have. */
export const CONNECTION_CAPACITY = "connection-capacity";
/** Checks that were run once more and did not pass. */
export const FAILED_CHECKS = "failed-checks";

/** What is graphed and alarmed on. What was not measured is no sample: an alarm keeps its state for want of one. */
export function samplesOf({ values, connections }: Pick<ReadingDoc, "values" | "connections">): Sample[] {
  return [
    ...values.flatMap(({ name, unit, value }) => (value === null ? [] : [{ name, unit, value }])),
    ...(connections ? [{ name: CONNECTION_CAPACITY, unit: "", value: connections.most }] : []),
  ];
}
