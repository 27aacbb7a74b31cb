import { type EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  type SchedulerClient,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { awsErrorName } from "../errors.ts";
import { nameOf } from "../names.ts";
import type { Announcement, Announcer, Schedules, WatchScheduleDoc } from "../ports.ts";

/** Source of all events, which rules match. The function's policy allows no other source. */
export const EVENT_SOURCE = "sluice";

/**
 * Settings of the client. A network may have no route to EventBridge, or one that never answers. Announcements must not
 * hold up a gate, so the client gives up early. Without `throwOnRequestTimeout` it would only warn and keep waiting.
 */
export const PATIENCE = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
};

/** Events on the account's default bus. */
export class EventBridgeAnnouncer implements Announcer {
  private readonly client: EventBridgeClient;

  constructor(client: EventBridgeClient) {
    this.client = client;
  }

  async announce({ type, detail }: Announcement): Promise<void> {
    const { Entries = [] } = await this.client.send(
      new PutEventsCommand({
        Entries: [{ Source: EVENT_SOURCE, DetailType: type, Detail: JSON.stringify(detail) }],
      }),
    );
    // The call also succeeds when EventBridge refuses the event.
    const failed = Entries.find(({ ErrorCode }) => ErrorCode !== undefined);
    if (failed) throw new Error(`EventBridge refused the event: ${failed.ErrorCode}`);
  }
}

/** Returns the names of a database's schedules in the deployment's group. */
export function watchSchedules(label: string): { often: string; hourly: string } {
  const name = nameOf(label, 64 - "-hourly".length);
  return { often: `${name}-often`, hourly: `${name}-hourly` };
}

interface WatchTarget {
  /** ARN of the function that takes a reading. */
  function: string;
  /** ARN of the role that lets the scheduler call the function. */
  role: string;
  /** Group of this deployment's schedules. */
  group: string;
}

/** EventBridge Scheduler. Two schedules with fixed names, so a database has at most one watch; each is deleted at its end. */
export class SchedulerSchedules implements Schedules {
  constructor(
    private readonly client: SchedulerClient,
    private readonly target: WatchTarget,
  ) {}

  async startWatch(
    label: string,
    event: Readonly<Record<string, string>>,
    from: Date,
    { everyMinutes, until, thenEveryMinutes, ends }: WatchScheduleDoc,
  ): Promise<boolean> {
    const { often, hourly } = watchSchedules(label);
    await this.put(often, everyMinutes, from, new Date(until), event);
    await this.put(hourly, thenEveryMinutes, new Date(until), new Date(ends), event);
    return true;
  }

  private async put(
    Name: string,
    minutes: number,
    StartDate: Date,
    EndDate: Date,
    event: Readonly<Record<string, string>>,
  ): Promise<void> {
    const input: CreateScheduleCommandInput = {
      Name,
      GroupName: this.target.group,
      Description: `The watch after run ${event.run}`.slice(0, 512),
      ScheduleExpression: `rate(${minutes} minutes)`,
      StartDate,
      EndDate,
      ActionAfterCompletion: "DELETE",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: {
        Arn: this.target.function,
        RoleArn: this.target.role,
        Input: JSON.stringify(event),
        // A late reading is useless: the next one comes soon.
        RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
      },
    };
    try {
      await this.client.send(new CreateScheduleCommand(input));
    } catch (error) {
      if (awsErrorName(error) !== "Conflict") throw error;
      await this.client.send(new UpdateScheduleCommand(input));
    }
  }
}
