import { Stack } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { EVENT_SOURCE } from "../../lambdas/shared/aws/events.ts";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import type { Notices } from "../notices.ts";
import type { Settings } from "../settings.ts";
import type { Storage } from "../storage.ts";
import { alarmStatements } from "./permissions-alarms.ts";
import { archiveStatements } from "./permissions-archive.ts";
import {
  clonesStatements,
  clusterProductionStatements,
  clusterSnapshotStatements,
  clusterStagingStatements,
  clusterStatements,
} from "./permissions-clusters.ts";
import { databaseStatements } from "./permissions-database.ts";
import { handedBackStatements } from "./permissions-keys.ts";
import {
  instanceStatements,
  productionStatements,
  snapshotStatements,
  stagingStatements,
  surroundingsStatements,
} from "./permissions-rds.ts";

/** What a function may need. Each is a few statements, made here and nowhere else. */
export type Need =
  /** Read and write the evidence of runs, the tokens of gates excepted. */
  | "evidence"
  /** Read the plans that were published. */
  | "plans"
  /** Read lists of databases, for rollouts. */
  | "lists"
  /** Store the plan that is deployed, and no other. */
  | "plan"
  /** Read the tokens of gates. */
  | "tokens"
  /** Read and write who holds a database. */
  | "lease"
  /** Log in to the database. */
  | "database"
  /** Send messages to people. */
  | "notices"
  /** Tell the account's event bus what became of a gate. */
  | "announcements"
  /** See instances, snapshots and free disk. */
  | "instances"
  /** See quotas, proxies, blue/green deployments, and until when the engine is supported. */
  | "surroundings"
  | "snapshots"
  /** Copy final snapshots to where else the settings want them. */
  | "archive"
  /** Make and delete staging. */
  | "staging"
  /** Rename production and restore it. */
  | "production"
  | "alarms"
  /** See the state machine's executions; granted once there is a machine. */
  | "executions"
  /** Schedule the watch; granted once there is something to call. */
  | "schedules";

export interface Surroundings {
  settings: Settings;
  plan: CompiledPlan;
  storage: Storage;
  notices: Notices;
  /** What RDS writes exports with; undefined where there are none. */
  exportRole?: iam.IRole | undefined;
}

export function statementsFor(
  need: Need,
  scope: Construct,
  { settings, plan, storage, notices, exportRole }: Surroundings,
): iam.PolicyStatement[] {
  const stack = Stack.of(scope);
  switch (need) {
    case "evidence":
      return storage.evidenceStatements();
    case "plans":
      return storage.planStatements();
    case "lists":
      return storage.listStatements();
    case "plan":
      return storage.storePlanStatements(plan.checksum);
    case "tokens":
      // Allowed with the evidence; who has not this need is denied them.
      return [];
    case "lease":
      return storage.leaseStatements();
    case "database":
      return databaseStatements(stack, settings);
    case "notices":
      return notices.sendStatements();
    case "announcements":
      return [
        new iam.PolicyStatement({
          actions: ["events:PutEvents"],
          resources: [stack.formatArn({ service: "events", resource: "event-bus", resourceName: "default" })],
          conditions: { StringEquals: { "events:source": EVENT_SOURCE } },
        }),
      ];
    case "instances":
      return [...instanceStatements(stack, settings), ...clusterStatements(stack, settings)];
    case "surroundings":
      return [...surroundingsStatements(stack), ...clonesStatements(stack, settings)];
    case "snapshots":
      return [...snapshotStatements(stack, settings), ...clusterSnapshotStatements(stack, settings)];
    case "archive":
      return archiveStatements(stack, settings, exportRole);
    case "staging":
      return [...stagingStatements(stack, settings), ...clusterStagingStatements(stack, settings)];
    case "production":
      return [
        ...productionStatements(stack, settings),
        ...clusterProductionStatements(stack, settings),
        ...handedBackStatements(stack, settings),
      ];
    case "alarms":
      return alarmStatements(stack, settings);
    case "executions":
    case "schedules":
      return [];
  }
}
