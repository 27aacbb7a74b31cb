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

/** What a function may need. Each need is a few statements, made only here. */
export type Need =
  /** Read and write the evidence of runs, except the tokens of gates. */
  | "evidence"
  /** Read published plans. */
  | "plans"
  /** Read lists of databases, for rollouts. */
  | "lists"
  /** Store the plan that is deployed, and no other. */
  | "plan"
  /** Read the tokens of gates. */
  | "tokens"
  /** Read and write leases. */
  | "lease"
  /** Log in to the database. */
  | "database"
  /** Send messages to people. */
  | "notices"
  /** Send events about gates to the account's event bus. */
  | "announcements"
  /** See instances, snapshots and free disk. */
  | "instances"
  /** See quotas, proxies, blue/green deployments, and the end of support of the engine. */
  | "surroundings"
  | "snapshots"
  /** Copy final snapshots to the places in the settings. */
  | "archive"
  /** Make and delete staging. */
  | "staging"
  /** Rename production and restore it. */
  | "production"
  | "alarms"
  /** See the state machine's executions; granted once the machine exists. */
  | "executions"
  /** Schedule the watch; granted once its function exists. */
  | "schedules";

export interface Surroundings {
  settings: Settings;
  plan: CompiledPlan;
  storage: Storage;
  notices: Notices;
  /** The role with which RDS writes exports; undefined if there are none. */
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
      // Allowed together with the evidence, and denied to functions without this need.
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
