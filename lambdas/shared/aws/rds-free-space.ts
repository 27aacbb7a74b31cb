import { type CloudWatchClient, GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";

const LOOK_BACK_MS = 15 * 60_000;

/** Free disk of an instance in bytes, as CloudWatch last saw it; undefined where it has seen nothing of late. */
export async function freeBytes(client: CloudWatchClient, instance: string): Promise<number | undefined> {
  const now = Date.now();
  const { Datapoints = [] } = await client.send(
    new GetMetricStatisticsCommand({
      Namespace: "AWS/RDS",
      MetricName: "FreeStorageSpace",
      Dimensions: [{ Name: "DBInstanceIdentifier", Value: instance }],
      StartTime: new Date(now - LOOK_BACK_MS),
      EndTime: new Date(now),
      Period: 60,
      Statistics: ["Minimum"],
    }),
  );
  const byAge = Datapoints.toSorted((a, b) => Number(b.Timestamp) - Number(a.Timestamp));
  return byAge[0]?.Minimum;
}
