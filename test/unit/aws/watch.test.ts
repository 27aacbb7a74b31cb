import {
  ConflictException,
  CreateScheduleCommand,
  SchedulerClient,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { EmbeddedMetrics } from "../../../lambdas/shared/aws/embedded-metrics.ts";
import { SchedulerSchedules } from "../../../lambdas/shared/aws/events.ts";

const scheduler = mockClient(SchedulerClient);
beforeEach(() => scheduler.reset());

const schedules = new SchedulerSchedules(new SchedulerClient({ region: "eu-central-1" }), {
  function: "arn:of:the:probe",
  role: "arn:of:the:role",
  group: "sluice",
});
const FROM = new Date("2026-11-03T02:05:00.000Z");
const SCHEDULE = {
  everyMinutes: 5,
  until: "2026-11-04T02:00:00.000Z",
  thenEveryMinutes: 60,
  ends: "2026-11-11T02:00:00.000Z",
};

describe("the watch's schedules on EventBridge Scheduler", () => {
  test("follow each other, end by themselves and are then gone", async () => {
    scheduler.on(CreateScheduleCommand).resolves({});
    expect(await schedules.startWatch("orders/app", { run: "run" }, FROM, SCHEDULE)).toBe(true);
    const made = scheduler.commandCalls(CreateScheduleCommand).map(({ args }) => args[0].input);
    expect(
      made.map(({ Name, ScheduleExpression, StartDate, EndDate }) => [
        Name,
        ScheduleExpression,
        StartDate?.toISOString(),
        EndDate?.toISOString(),
      ]),
    ).toEqual([
      ["orders_app-often", "rate(5 minutes)", FROM.toISOString(), SCHEDULE.until],
      ["orders_app-hourly", "rate(60 minutes)", SCHEDULE.until, SCHEDULE.ends],
    ]);
    for (const input of made) expect(input.ActionAfterCompletion).toBe("DELETE");
  });

  test("call the probe with its input, by the role, and never late", async () => {
    scheduler.on(CreateScheduleCommand).resolves({});
    await schedules.startWatch("orders/app", { run: "run", action: "probe" }, FROM, SCHEDULE);
    const { Target, FlexibleTimeWindow } =
      scheduler.commandCalls(CreateScheduleCommand)[0]?.args[0].input ?? {};
    expect(Target).toMatchObject({
      Arn: "arn:of:the:probe",
      RoleArn: "arn:of:the:role",
      RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
    });
    expect(JSON.parse(Target?.Input ?? "")).toEqual({ run: "run", action: "probe" });
    expect(FlexibleTimeWindow).toEqual({ Mode: "OFF" });
  });

  test("replace those of an earlier run, so that there is one watch", async () => {
    scheduler
      .on(CreateScheduleCommand)
      .rejects(new ConflictException({ message: "exists", Message: "exists", $metadata: {} }));
    scheduler.on(UpdateScheduleCommand).resolves({});
    await schedules.startWatch("orders/app", { run: "run" }, FROM, SCHEDULE);
    expect(scheduler.commandCalls(UpdateScheduleCommand)).toHaveLength(2);
  });

  test("report any other refusal", async () => {
    scheduler.on(CreateScheduleCommand).rejects(new Error("access denied"));
    await expect(schedules.startWatch("orders/app", { run: "run" }, FROM, SCHEDULE)).rejects.toThrow(
      "access denied",
    );
  });
});

describe("published numbers", () => {
  test("are one line of CloudWatch's embedded metric format, each with its unit, by instance", () => {
    const written: string[] = [];
    const log = vi
      .spyOn(process.stdout, "write")
      .mockImplementation((line) => written.push(String(line)) > 0);
    try {
      new EmbeddedMetrics("orders-production").publish([
        { name: "search-p95", unit: "ms", value: 12.5 },
        { name: "attempts", unit: "", value: 0 },
        { name: "pool", unit: "%", value: 40 },
      ]);
    } finally {
      log.mockRestore();
    }
    expect(written).toHaveLength(1);
    const line = JSON.parse(written[0] ?? "");
    expect(line).toMatchObject({
      "search-p95": 12.5,
      attempts: 0,
      pool: 40,
      Instance: "orders-production",
      service: "watch",
    });
    const [directive] = line._aws.CloudWatchMetrics;
    expect(directive.Namespace).toBe("Sluice");
    expect(directive.Metrics).toEqual([
      { Name: "search-p95", Unit: "Milliseconds" },
      { Name: "attempts", Unit: "Count" },
      { Name: "pool", Unit: "Percent" },
    ]);
  });
});
