import { Duration } from "aws-cdk-lib";
import {
  Metric as CloudWatchMetric,
  ComparisonOperator,
  type HorizontalAnnotation,
  MathExpression,
  Stats,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import {
  type CustomMetricGroup,
  DefaultDashboardFactory,
  MetricStatistic,
  type MetricWithAlarmSupport,
  MonitoringFacade,
  SnsAlarmActionStrategy,
} from "cdk-monitoring-constructs";
import { Construct } from "constructs";
import { METRICS, nameOf } from "../lambdas/shared/names.ts";
import type { CompiledPlan, Metric, Threshold } from "../lambdas/shared/plan.ts";
import {
  CONNECTION_CAPACITY,
  FAILED_CHECKS,
  PUBLISHED_BEYOND_ALERT,
  runbookOf,
  sectionText,
} from "../lambdas/watch/readings.ts";
import { thresholdText } from "../lambdas/watch/thresholds.ts";

const PERIOD = Duration.minutes(5);
const GIB = 1024 ** 3;

export interface MonitoringProps {
  /** The plan that is deployed. */
  plan: CompiledPlan;
  /** The database's label, which is the dimension of its metrics. */
  label: string;
  /** Identifier of production. */
  instance: string;
  /** Whether production is a cluster. */
  cluster: boolean;
  /** The function that takes the readings. */
  probe: IFunction;
  /** Topic that is notified when an alarm starts and ends. */
  topic: ITopic;
}

/** What a graph shows, and what its alarm reads: so many of its units are one of the graph's. */
interface Source {
  shown: MetricWithAlarmSupport;
  alarmed: CloudWatchMetric;
  scale: number;
}

/**
 * Dashboard of the deployed plan's metrics, each with its target drawn and an alarm at its threshold. Plans that are
 * published later are unknown here: they share one graph of everything that is read, and one alarm.
 */
export class Monitoring extends Construct {
  /** Name of the dashboard. */
  readonly dashboard: string;
  private readonly label: string;
  private readonly instance: string;
  private readonly cluster: boolean;

  constructor(
    scope: Construct,
    id: string,
    { plan, label, instance, cluster, probe, topic }: MonitoringProps,
  ) {
    super(scope, id);
    this.label = label;
    this.instance = instance;
    this.cluster = cluster;
    const name = `Sluice-${nameOf(label, 100)}`;
    this.dashboard = name;
    const facade = new MonitoringFacade(this, "Facade", {
      metricFactoryDefaults: { namespace: METRICS.namespace, period: PERIOD },
      alarmFactoryDefaults: {
        actionsEnabled: true,
        alarmNamePrefix: name,
        action: new SnsAlarmActionStrategy({ onAlarmTopic: topic, onOkTopic: topic }),
        datapointsToAlarm: 1,
      },
      dashboardFactory: new DefaultDashboardFactory(this, "Dashboards", {
        dashboardNamePrefix: name,
        createSummaryDashboard: false,
        createAlarmDashboard: false,
      }),
    });
    if (plan.watch)
      facade.monitorCustom({
        alarmFriendlyName: "Watch",
        humanReadableName: `${plan.title}: ${label}`,
        metricGroups: [
          ...plan.watch.metrics.map((metric) => this.groupOf(metric)),
          this.capacity(plan.server.minimumConnections),
        ],
      });
    facade.monitorCustom({
      alarmFriendlyName: "Plans",
      humanReadableName: `Whatever plan is watched: ${label}`,
      metricGroups: [this.everyMetric(), this.published(), this.failedChecks()],
    });
    facade.monitorLambdaFunction({
      lambdaFunction: probe,
      alarmFriendlyName: "Probe",
      humanReadableName: "The watch itself",
      addFaultCountAlarm: {
        Alert: {
          maxErrorCount: 0,
          metricAdjuster: {
            adjustMetric: () => probe.metricErrors({ period: PERIOD, statistic: Stats.SUM }),
          },
          alarmDescriptionOverride: `A reading of the watch of ${label} failed, so production is not watched. What to do: ${sectionText("probe")}.`,
        },
      },
    });
  }

  private groupOf(metric: Metric): CustomMetricGroup {
    const { title, unit, target, alert } = metric;
    const [wanted, alerts] = [thresholdText(target, unit), thresholdText(alert, unit)];
    return this.group(title, this.sourceOf(metric), alert, {
      unit,
      description: `${title} of ${this.label} is ${alerts}; its target is ${wanted}. What to do: ${runbookOf(metric)}.`,
      annotations: [{ value: target.value, label: `Target ${wanted}`, color: "#1a7340" }],
    });
  }

  private sourceOf({ name, source, alert }: Metric): Source {
    if (source.kind !== "free-disk")
      return this.sample(name, alert.operator.startsWith("<") ? Stats.MINIMUM : Stats.MAXIMUM);
    // RDS always measures it, even without a watch.
    const bytes = new CloudWatchMetric({
      namespace: "AWS/RDS",
      // A cluster's volume grows by itself; the writer's local disk, on which it sorts, can run full.
      ...(this.cluster
        ? {
            metricName: "FreeLocalStorage",
            dimensionsMap: { DBClusterIdentifier: this.instance, Role: "WRITER" },
          }
        : { metricName: "FreeStorageSpace", dimensionsMap: { DBInstanceIdentifier: this.instance } }),
      statistic: Stats.MINIMUM,
      period: PERIOD,
    });
    const shown = new MathExpression({
      expression: `bytes / ${GIB}`,
      label: "GiB",
      period: PERIOD,
      usingMetrics: { bytes },
    });
    return { shown, alarmed: bytes, scale: GIB };
  }

  /** The connections that the application's pool needs, beside those that are left. */
  private capacity(minimum: number): CustomMetricGroup {
    const title = "Connections for clients";
    return this.group(
      title,
      this.sample(CONNECTION_CAPACITY, Stats.MINIMUM),
      { operator: "<", value: minimum },
      {
        description: `Clients may have fewer than ${minimum} connections to ${this.label}, but the plan needs so many. What to do: ${sectionText("capacity")}.`,
      },
    );
  }

  /** All metrics under the plan's names, a line each. */
  private everyMetric(): CustomMetricGroup {
    return {
      title: "Every metric that is read",
      metrics: [
        {
          searchQuery: "",
          dimensionsMap: this.dimensions,
          statistic: MetricStatistic.MAX,
          period: PERIOD,
        },
      ],
    };
  }

  private published(): CustomMetricGroup {
    const title = "Metrics of a published plan beyond their alert";
    return this.group(
      title,
      this.sample(PUBLISHED_BEYOND_ALERT, Stats.MAXIMUM),
      { operator: ">", value: 0 },
      {
        description: `A metric of a published plan is beyond its alert threshold on ${this.label}. Which one, and what to do: ${sectionText("published")}.`,
      },
    );
  }

  private failedChecks(): CustomMetricGroup {
    const title = "Checks that do not hold any more";
    return this.group(
      title,
      this.sample(FAILED_CHECKS, Stats.MAXIMUM),
      { operator: ">", value: 0 },
      {
        description: `Checks that passed before the opening of ${this.label} now fail. What to do: ${sectionText("failed-checks")}.`,
      },
    );
  }

  private get dimensions(): Record<string, string> {
    return { service: METRICS.service, [METRICS.dimension]: this.label };
  }

  private sample(metricName: string, statistic: string): Source {
    const metric = new CloudWatchMetric({
      namespace: METRICS.namespace,
      metricName,
      statistic,
      period: PERIOD,
      dimensionsMap: this.dimensions,
    });
    return { shown: metric, alarmed: metric, scale: 1 };
  }

  private group(
    title: string,
    { shown, alarmed, scale }: Source,
    alert: Threshold,
    {
      description,
      unit = "",
      annotations = [],
    }: { description: string; unit?: string; annotations?: HorizontalAnnotation[] },
  ): CustomMetricGroup {
    return {
      title,
      horizontalAnnotations: [
        ...annotations,
        { value: alert.value, label: `Alert ${thresholdText(alert, unit)}`, color: "#a4262c" },
      ],
      metrics: [
        {
          metric: shown,
          alarmFriendlyName: title.replace(/[^A-Za-z0-9]+/g, "-"),
          addAlarm: {
            Alert: {
              threshold: alert.value * scale,
              comparisonOperator: comparison(alert),
              metricAdjuster: { adjustMetric: () => alarmed },
              // The threshold is drawn in the graph's own unit.
              overrideAnnotationVisibility: false,
              // Two readings may be an hour apart; the time in between shows neither a good nor a bad state.
              treatMissingDataOverride: TreatMissingData.IGNORE,
              alarmDescriptionOverride: description,
            },
          },
        },
      ],
    };
  }
}

function comparison({ operator }: Threshold): ComparisonOperator {
  switch (operator) {
    case "<":
      return ComparisonOperator.LESS_THAN_THRESHOLD;
    case "<=":
      return ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD;
    case ">":
      return ComparisonOperator.GREATER_THAN_THRESHOLD;
    case ">=":
      return ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD;
    case "=":
      throw new Error("No alarm compares for equality; the plan's schema lets none through");
  }
}
