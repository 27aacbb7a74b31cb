import {
  type CountersDoc,
  Doc,
  docName,
  READINGS,
  type Reading,
  type ReadingDoc,
  type ReadingValue,
  type ReadingWorst,
} from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { Metric, MetricSource } from "../shared/plan.ts";
import type { Sample } from "../shared/ports.ts";

/** The newest reading of this run's watch. */
export async function lastReading(evidence: RunEvidence): Promise<ReadingDoc | undefined> {
  const newest = (await evidence.list(READINGS)).at(-1);
  return newest === undefined ? undefined : await evidence.read(docName<ReadingDoc>(newest));
}

/** The start of the next reading's counts: the newest reading, or the checks that ran after it. */
export async function countsFrom(
  evidence: RunEvidence,
  last: ReadingDoc | undefined,
): Promise<{ at: string; counters: CountersDoc } | undefined> {
  const verified = await evidence.read(Doc.verifiedAgain);
  return last && verified && verified.endedAt >= last.at
    ? { at: verified.endedAt, counters: verified.counters }
    : last;
}

export async function keepReading(
  evidence: RunEvidence,
  reading: Reading,
  before: ReadingDoc | undefined,
): Promise<ReadingDoc> {
  return await evidence.createOnce(Doc.reading(new Date(reading.at)), {
    ...reading,
    // So that the newest reading summarizes all of them.
    soFar: {
      readings: (before?.soFar.readings ?? 0) + 1,
      worst: reading.values.map((value) => worse(value, reading.at, before)),
    },
  });
}

const ORDER = ["unknown", "target", "between", "alert"] as const;

function worse(value: ReadingValue, at: string, before: ReadingDoc | undefined): ReadingWorst {
  const { name, standing } = value;
  const was = before?.soFar.worst.find((worst) => worst.name === name);
  const alerts = (was?.alerts ?? 0) + (standing === "alert" ? 1 : 0);
  const is = { name, value: value.value, standing, at, alerts };
  return was && !isWorse(value, was) ? { ...was, alerts } : is;
}

function isWorse(now: ReadingValue, was: ReadingWorst): boolean {
  const [a, b] = [ORDER.indexOf(now.standing), ORDER.indexOf(was.standing)];
  if (a !== b) return a > b;
  if (now.value === null || was.value === null) return false;
  // For an alert below a limit, a lower value is worse.
  return now.alert.startsWith("<") ? now.value < was.value : now.value > was.value;
}

/** Sessions that clients may have. */
export const CONNECTION_CAPACITY = "connection-capacity";
/** Checks that ran again and failed. */
export const FAILED_CHECKS = "failed-checks";

/** Number of metrics beyond their alert in a plan other than the deployed one: the alarms were made without them. */
export const PUBLISHED_BEYOND_ALERT = "published-beyond-alert";

type Read = Pick<ReadingDoc, "values" | "connections">;

/**
 * Samples for graphs and alarms. An unmeasured metric gives no sample, and its alarm keeps its state.
 * @param plan the deployed plan's metrics have alarms of their own
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

/** Undefined: none of the measured metrics, and some were not measured. */
function beyondAlert({ values, connections }: Read): number | undefined {
  const count =
    values.filter(({ standing }) => standing === "alert").length +
    (connections && connections.most < connections.minimum ? 1 : 0);
  const all = values.every(({ value }) => value !== null) && connections;
  return count > 0 || all ? count : undefined;
}

/** Sections of docs/watch.md. A test checks that they exist. */
export const SECTIONS: Readonly<
  Record<MetricSource["kind"] | "capacity" | "failed-checks" | "probe" | "published", string>
> = {
  benchmark: "A query is slow",
  connections: "Connections run out",
  rollbacks: "Queries fail",
  "free-disk": "The disk fills up",
  query: "A number of the plan's own",
  capacity: "Connections run out",
  "failed-checks": "A check does not hold any more",
  probe: "The watch itself fails",
  published: "A metric of a published plan is beyond its alert",
};

/** Where the reader finds what to do: the plan's own text, or a section of docs/watch.md. */
export function runbookOf({ runbook, source }: Pick<Metric, "runbook" | "source">): string {
  return runbook ?? sectionText(source.kind);
}

export function sectionText(section: keyof typeof SECTIONS): string {
  return `docs/watch.md, "${SECTIONS[section]}"`;
}
