import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import type { Context } from "aws-lambda";
import { Envar, isPing, requireEnvar } from "../deployment.ts";
import { AnsweredByWave, messageOf } from "../errors.ts";
import { StoredPlans } from "../plan-document.ts";
import type { Archive, Environment, Instances, Metrics } from "../ports.ts";
import { type Deployed, type RunDatabase, type RunSettings, settingsOfNone } from "../settings.ts";
import { type Answer, DONE, invoke, type Task } from "../task.ts";
import { CloudWatchAlarms } from "./cloudwatch-alarms.ts";
import { iamCredentials, masterCredentials, PgDatabases } from "./databases.ts";
import { EventBridgeAnnouncer, PATIENCE, SchedulerSchedules } from "./events.ts";
import { FetchHttp } from "./fetch-http.ts";
import { evidenceStore, lambdaClock, lazily } from "./runtime.ts";
import { choiceOfDatabase, deployedSettings, readAuthorities } from "./shipped.ts";
import { SnsNotifier } from "./sns-notifier.ts";
import { SfnCallbacks, SfnExecutions } from "./step-functions.ts";

type TaskHandler = (event: unknown, context: Context) => Promise<Answer>;

/** Returns a task's Lambda handler. Each invocation logs one line of JSON, with only run and state from the event. */
// biome-ignore lint/suspicious/noExplicitAny: the task parses the event; its type does not matter here.
export function serve(task: Task<any>, extras: Extras = {}): TaskHandler {
  return async (event, context) => {
    if (isPing(event)) return DONE;
    const started = Date.now();
    const about = { task: task.name, ...whichOf(event), request: context.awsRequestId };
    const done = (outcome: Record<string, unknown>) =>
      log({ ...about, ...outcome, seconds: (Date.now() - started) / 1000 });
    const ports = awsPorts(context, (progress) => log({ ...about, progress }), extras);
    // `invoke` cuts errors to what the machine's state may carry; the log gets the original.
    let thrown: unknown;
    const watched = {
      ...task,
      run: async (...args: Parameters<typeof task.run>) => {
        try {
          return await task.run(...args);
        } catch (error) {
          thrown = error;
          throw error;
        }
      },
    };
    try {
      const answer = await invoke(watched, event, ports);
      done({ outcome: "answered", answer });
      return answer;
    } catch (error) {
      if (thrown instanceof AnsweredByWave) done({ outcome: "answered by the wave" });
      else done({ outcome: "failed", ...described(error), stack: stackOf(thrown ?? error) });
      throw error;
    }
  };
}

function whichOf(event: unknown): { run?: unknown; state?: unknown } {
  const { run, state } = (event ?? {}) as { run?: unknown; state?: unknown };
  return { run, state };
}

function described(error: unknown): { error: string; message: string } {
  return { error: error instanceof Error ? error.name : "Error", message: messageOf(error) };
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}

function log(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

// Clients live as long as the function's sandbox, so that connections are reused. The first task that needs a client
// creates it: most capabilities need one or two, and have no permission for the others.
const cloudWatch = lazily(() => new CloudWatchClient());
const eventBridge = lazily(() => new EventBridgeClient(PATIENCE));
const secrets = lazily(() => new SecretsManagerClient());
const sfn = lazily(() => new SFNClient());
const sns = lazily(() => new SNSClient());

const plans = lazily(() => new StoredPlans(evidenceStore(), () => requireEnvar(Envar.plan)));
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

/** Adapters that only some functions need. The other functions are deployed without their code. */
interface Extras {
  /** For functions that publish metrics of the database with that label. */
  metrics?: (label: string) => Metrics;
  /** For functions that call RDS (rds.ts). Without settings it is bound to no database. */
  rds?: (deployed: Deployed, settings?: RunSettings) => Pick<Environment, "instances" | "archive">;
}

/** Returns the environment of one invocation of a function. Each part is created or read at first use. */
export function awsPorts(
  context: Pick<Context, "getRemainingTimeInMillis" | "awsRequestId">,
  progress: (line: string) => void = () => undefined,
  extras: Extras = {},
): Environment {
  const unbound = (port: string) => (): never => {
    throw new Error(`A ${port} needs a database, and this run is bound to none`);
  };
  const rds = lazily(() => rdsOf(extras));
  return {
    get settings() {
      return settingsOfNone(deployedSettings());
    },
    choice: choiceOfDatabase((settings) => own(settings, extras)),
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
    metrics: { publish: unbound("metric") },
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

/** The parts of the environment that belong to a run with these settings. */
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
      if (!extras.metrics) throw new Error("This function was deployed without the code to publish metrics");
      return extras.metrics(settings.label);
    },
  };
}

function rdsOf({ rds }: Extras, settings?: RunSettings) {
  if (!rds) throw new Error("This function was deployed without the code to call RDS");
  return rds(deployedSettings(), settings);
}

function databasesOf({ database, secretArn, iamUser, instance, cluster }: RunDatabase): PgDatabases {
  const options = {
    database,
    // Code that looks for other sessions recognizes Sluice's own by this prefix.
    applicationName: ["sluice", process.env.AWS_LAMBDA_FUNCTION_NAME ?? ""].join(" ").trim(),
    authorities: readAuthorities(),
  };
  if (iamUser !== undefined)
    return new PgDatabases({
      ...options,
      mend: `check that IAM authentication is on for the instance, and that ${iamUser} has the role rds_iam`,
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
