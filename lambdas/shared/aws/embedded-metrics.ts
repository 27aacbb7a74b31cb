import { MetricUnit, Metrics as Powertools } from "@aws-lambda-powertools/metrics";
import { METRICS } from "../names.ts";
import type { Metrics, Sample } from "../ports.ts";

const UNITS: Readonly<Record<string, (typeof MetricUnit)[keyof typeof MetricUnit]>> = {
  ms: MetricUnit.Milliseconds,
  s: MetricUnit.Seconds,
  "%": MetricUnit.Percent,
  B: MetricUnit.Bytes,
  "": MetricUnit.Count,
};

/** CloudWatch's embedded metric format: a line in the function's log, which needs no call and no permission. */
export class EmbeddedMetrics implements Metrics {
  private readonly metrics: Powertools;

  constructor(label: string) {
    this.metrics = new Powertools({
      namespace: METRICS.namespace,
      serviceName: METRICS.service,
      defaultDimensions: { [METRICS.dimension]: label },
    });
  }

  publish(samples: readonly Sample[]): void {
    if (samples.length === 0) return;
    for (const { name, unit, value } of samples)
      this.metrics.addMetric(name, UNITS[unit] ?? MetricUnit.NoUnit, value);
    this.metrics.publishStoredMetrics();
  }
}
