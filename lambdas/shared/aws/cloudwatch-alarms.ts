import {
  type CloudWatchClient,
  DescribeAlarmsCommand,
  DisableAlarmActionsCommand,
  EnableAlarmActionsCommand,
} from "@aws-sdk/client-cloudwatch";
import type { Alarms } from "../ports.ts";

// CloudWatch accepts at most this many names in one call, and returns as many alarms on one page.
const MOST_NAMES = 100;

/** CloudWatch metric alarms and composite alarms, by name. */
export class CloudWatchAlarms implements Alarms {
  private readonly client: CloudWatchClient;

  constructor(client: CloudWatchClient) {
    this.client = client;
  }

  async known(names: readonly string[]): Promise<string[]> {
    return (await this.describe(names)).map(({ name }) => name);
  }

  async enabled(names: readonly string[]): Promise<string[]> {
    return (await this.describe(names)).filter(({ on }) => on).map(({ name }) => name);
  }

  private async describe(names: readonly string[]): Promise<{ name: string; on: boolean }[]> {
    const alarms: { name: string; on: boolean }[] = [];
    for (const some of inParts(names)) {
      const found = await this.client.send(
        new DescribeAlarmsCommand({
          AlarmNames: some,
          AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
          MaxRecords: MOST_NAMES,
        }),
      );
      for (const alarm of [...(found.MetricAlarms ?? []), ...(found.CompositeAlarms ?? [])])
        if (alarm.AlarmName !== undefined)
          alarms.push({ name: alarm.AlarmName, on: alarm.ActionsEnabled === true });
    }
    return alarms;
  }

  async disable(names: readonly string[]): Promise<void> {
    for (const AlarmNames of inParts(names))
      await this.client.send(new DisableAlarmActionsCommand({ AlarmNames }));
  }

  async enable(names: readonly string[]): Promise<void> {
    for (const AlarmNames of inParts(names))
      await this.client.send(new EnableAlarmActionsCommand({ AlarmNames }));
  }
}

function inParts(names: readonly string[]): string[][] {
  const parts: string[][] = [];
  for (let at = 0; at < names.length; at += MOST_NAMES) parts.push(names.slice(at, at + MOST_NAMES));
  return parts;
}
