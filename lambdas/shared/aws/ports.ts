import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import type { Context } from "aws-lambda";
import { Envar, requireEnvar } from "../envars.ts";
import { StoredPlans } from "../plan-document.ts";
import type { Archive, Environment, Instances, Metrics } from "../ports.ts";
import {
  type Deployed,
  type RunDatabase,
  type RunSettings,
  settingsOf,
  settingsOfNone,
} from "../settings.ts";
import { CloudWatchAlarms } from "./cloudwatch-alarms.ts";
import { iamCredentials, masterCredentials, PgDatabases } from "./databases.ts";
import { EventBridgeAnnouncer, PATIENCE, SchedulerSchedules } from "./events.ts";
import { FetchHttp } from "./fetch-http.ts";
import { evidenceStore, lambdaClock, lazily } from "./runtime.ts";
import { readAuthorities, readSettings } from "./shipped.ts";
import { SnsNotifier } from "./sns-notifier.ts";
import { SfnCallbacks, SfnExecutions } from "./step-functions.ts";

// Clients live as long as the function's sandbox, so that its connections are used again. Each is made by the first
// task that needs it: most capabilities need one or two, and may not use the others.
const cloudWatch = lazily(() => new CloudWatchClient());
const eventBridge = lazily(() => new EventBridgeClient(PATIENCE));
const secrets = lazily(() => new SecretsManagerClient());
const sfn = lazily(() => new SFNClient());
const sns = lazily(() => new SNSClient());

const plans = lazily(() => new StoredPlans(evidenceStore(), () => requireEnvar(Envar.plan)));
const deployed = lazily(() => readSettings());
const notifier = lazily(
  () =>
    new SnsNotifier(sns(), {
      approvers: requireEnvar(Envar.approversTopic),
      escalation: requireEnvar(Envar.escalationTopic),
    }),
);
const announcer = lazily(() => new EventBridgeAnnouncer(eventBridge()));
const callbacks = lazily(() => new SfnCallbacks(sfn()));
const alarms = lazily(() => new CloudWatchAlarms(cloudWatch()));
const executions = lazily(() => new SfnExecutions(sfn()));
const schedules = lazily(
  () =>
    new SchedulerSchedules(new SchedulerClient(), {
      function: requireEnvar(Envar.watchFunction),
      role: requireEnvar(Envar.watchRole),
      group: requireEnvar(Envar.watchGroup),
    }),
);
const http = lazily(() => new FetchHttp());

/** What only some functions need: the others are deployed without the code for it. */
export interface Extras {
  /** Of those that publish numbers, of the database of that label. */
  metrics?: (label: string) => Metrics;
  /** Of those that ask the fleet (rds.ts); of no database yet where it is given no settings. */
  rds?: (deployed: Deployed, settings?: RunSettings) => Pick<Environment, "instances" | "archive">;
}

/** The world as one invocation of a function sees it. Nothing is made or read before it is asked for. */
export function awsPorts(
  context: Pick<Context, "getRemainingTimeInMillis" | "awsRequestId">,
  progress: (line: string) => void = () => undefined,
  extras: Extras = {},
): Environment {
  const unbound = (port: string) => (): never => {
    throw new Error(`No ${port} without a database: the run is bound to none`);
  };
  const rds = lazily(() => rdsOf(extras));
  return {
    get settings() {
      return settingsOfNone(deployed());
    },
    choice: {
      get list() {
        return deployed().databases;
      },
      settingsOf: (database) => settingsOf(deployed(), database),
      of: (settings) => own(settings, extras),
    },
    get evidence() {
      return evidenceStore();
    },
    get plans() {
      return plans();
    },
    get instances() {
      return rds().instances;
    },
    get archive() {
      return rds().archive;
    },
    databases: { single: false, withSession: unbound("session") },
    metrics: { publish: unbound("numbers") },
    get notifier() {
      return notifier();
    },
    get announcer() {
      return announcer();
    },
    get callbacks() {
      return callbacks();
    },
    get alarms() {
      return alarms();
    },
    get executions() {
      return executions();
    },
    get schedules() {
      return schedules();
    },
    get http() {
      return http();
    },
    clock: lambdaClock(context),
    worker: context.awsRequestId,
    pagesOnly: true,
    progress,
  };
}

/** What a run with these settings has. */
function own(settings: RunSettings, extras: Extras) {
  const databases = lazily(() => databasesOf(settings));
  const rds = lazily(() => rdsOf(extras, settings));
  return {
    settings,
    get instances(): Instances {
      return rds().instances;
    },
    get archive(): Archive {
      return rds().archive;
    },
    get databases(): PgDatabases {
      return databases();
    },
    get metrics(): Metrics {
      if (!extras.metrics) throw new Error("This function publishes no numbers");
      return extras.metrics(settings.label);
    },
  };
}

function rdsOf({ rds }: Extras, settings?: RunSettings) {
  if (!rds) throw new Error("This function asks nothing of RDS");
  return rds(deployed(), settings);
}

function databasesOf({ database, secretArn, iamUser, instance, cluster }: RunDatabase): PgDatabases {
  const options = {
    database,
    // Whoever looks for sessions that are not Sluice's knows its own by how they begin.
    applicationName: ["sluice", process.env.AWS_LAMBDA_FUNCTION_NAME ?? ""].join(" ").trim(),
    authorities: readAuthorities(),
  };
  if (iamUser !== undefined)
    return new PgDatabases({
      ...options,
      mend: `check that the instance has IAM authentication on, and that ${iamUser} was granted rds_iam`,
      credentials: (endpoint) => iamCredentials(iamUser, endpoint),
    });
  if (secretArn === undefined)
    throw new Error(
      "This function was deployed without the ARN of the database's secret: set database.secretArn",
    );
  return new PgDatabases({
    ...options,
    mend: "check the setting database.secretArn",
    credentials: () => masterCredentials(secrets(), secretArn, instance, cluster ? "cluster" : "db"),
  });
}
