import type { Metric, MetricSource } from "../shared/plan.ts";

/** Sections of docs/watch.md. A test holds that they are there. */
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

/** Where people read what to do: what the plan says, or a section of our own. */
export function runbookOf({ runbook, source }: Pick<Metric, "runbook" | "source">): string {
  return runbook ?? sectionText(source.kind);
}

export function sectionText(section: keyof typeof SECTIONS): string {
  return `docs/watch.md, "${SECTIONS[section]}"`;
}
