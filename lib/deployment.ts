import { CustomResource, Duration, Fn, RemovalPolicy, Stack } from "aws-cdk-lib";
import * as logs from "aws-cdk-lib/aws-logs";
import { LogLevel } from "aws-cdk-lib/aws-stepfunctions";
import { LAMBDA_RECOGNIZE_VERSION_PROPS } from "aws-cdk-lib/cx-api";
import { Construct } from "constructs";
import { type CompiledPlan, noWayBack } from "../lambdas/shared/plan.ts";
import { acknowledge } from "./acknowledged.ts";
import { ExportRole } from "./export-role.ts";
import { Functions } from "./functions/functions.ts";
import { SHORT } from "./functions/specs.ts";
import { GateApi } from "./gate-api.ts";
import { KeepWarm } from "./keep-warm.ts";
import { CleanUp } from "./machine/clean-up.ts";
import { Machine } from "./machine/machine.ts";
import type { FunctionsNetwork } from "./network.ts";
import { Next } from "./next.ts";
import { Notices } from "./notices.ts";
import { PlanError } from "./plan/plan-error.ts";
import { Publishers } from "./publishers.ts";
import { RolloutMachine } from "./rollout/machine.ts";
import { type Settings, toDeployed } from "./settings.ts";
import { stackName, stackNameAfter } from "./stack-name.ts";
import { StoppedRuns } from "./stopped-runs.ts";
import { Storage } from "./storage.ts";
import { watchProduction } from "./watch-production.ts";

export interface DeploymentProps {
  settings: Settings;
  /** The plan of runs whose input names none. */
  plan: CompiledPlan;
  /** Network of the functions that use the database. */
  network: FunctionsNetwork;
}

/** Whether preflight may choose the moment, by the backup settings (preflight/choose-backup.ts). */
function mayUseMoments({ rehearse, backup: { by, copyTo, exportTo } }: Settings): boolean {
  return rehearse === "before" && by !== "snapshot" && by !== "clone" && !copyTo && !exportTo;
}

/** Everything that is deployed, for several databases and any plan. Only wires; each construct has one concern. */
export class Deployment extends Construct {
  readonly machine: Machine;
  readonly storage: Storage;
  readonly notices: Notices;
  readonly publishers: Publishers;

  constructor(scope: Construct, id: string, { settings, plan, network }: DeploymentProps) {
    const problem = plan.acceptNoWayBack ? undefined : noWayBack(plan, toDeployed(settings));
    if (problem) throw new PlanError("plan.yaml", "migrations", `${problem.seen}. ${problem.mend}`);
    super(scope, id);
    // A version is made again only if something that belongs to it has changed: Lambda makes no second one of the same.
    this.node.setContext(LAMBDA_RECOGNIZE_VERSION_PROPS, true);
    const retention: logs.RetentionDays = settings.retentionDays;
    this.storage = new Storage(this, "Storage", settings);
    this.notices = new Notices(this, "Notices", settings);
    const { storage, notices } = this;
    const api = new GateApi(this, "Gates", { retention });
    const { copyTo, exportTo } = settings.backup;
    const exports = exportTo && new ExportRole(this, "Export", exportTo);
    const functions = new Functions(this, "Functions", {
      settings,
      plan,
      storage,
      notices,
      network,
      exportRole: exports?.role,
      gateUrl: api.url,
    });
    // If it is alone in its stack, it has the stack's name.
    const name = scope === Stack.of(this) ? scope.node.id : `${Stack.of(this).node.id}-${scope.node.id}`;
    const common = {
      restore: settings.restore,
      moments: mayUseMoments(settings),
      keeps: settings.backup.snapshotAfterOpening === true,
      functions: functions.versions,
    };
    this.machine = new Machine(this, "Machine", {
      ...common,
      rehearse: settings.rehearse,
      archive: copyTo !== undefined || exportTo !== undefined,
      stateMachineProps: this.watched("MachineLog", name, retention),
    });
    const cleanUp = new CleanUp(this, "CleanUp", {
      ...common,
      workersSeconds: SHORT + 10,
      stateMachineProps: this.watched("CleanUpLog", `${name}-clean-up`, retention),
    });
    const machines = [this.machine.stateMachine, cleanUp.stateMachine] as const;
    const keepWarm = new KeepWarm(this, "KeepWarm", {
      machine: machines[0],
      functions: functions.versions,
      stateMachineProps: this.watched("KeepWarmLog", `${name}-keep-warm`, retention),
    });
    const stopped = new StoppedRuns(this, "StoppedRuns", {
      machine: machines[0],
      cleanUp: machines[1],
      notices,
    });
    const rollout = new RolloutMachine(this, "Rollout", {
      function: functions.rolloutVersion,
      runs: machines[0],
      storage,
      stateMachineProps: this.watched("RolloutLog", `${name}-rollout`, retention),
    });
    new CustomResource(this, "Plan", {
      resourceType: "Custom::SluicePlan",
      serviceToken: functions.storePlan.functionArn,
      serviceTimeout: Duration.minutes(5),
      properties: { Plan: plan.checksum },
    });
    functions.allowMachines(machines, rollout.stateMachine);
    api.serve(functions.gatePage);
    const { databases } = settings;
    const alone = scope === Stack.of(this);
    const namedAfter = alone
      ? databases.find(({ label }) => stackName(settings) === stackNameAfter(label))?.label
      : databases[0].label;
    const watches = watchProduction(this, { plan, databases, namedAfter, functions, notices });
    this.publishers = new Publishers(this, "Publishers", { storage });
    const { publishers } = this;
    acknowledge({
      publishers,
      settings,
      storage,
      api,
      exports,
      network,
      functions,
      machine: this.machine,
      cleanUp,
      keepWarm,
      rollout,
      stopped,
    });
    new Next(this, "Next", {
      alone,
      plan: plan.checksum,
      publishers: publishers.policy,
      machine: this.machine.stateMachine,
      cleanUp: cleanUp.stateMachine,
      rollout: rollout.stateMachine,
      storage,
      notices,
      dashboards: watches.map(({ dashboard }) => dashboard),
      databases,
    });
  }

  /** Options that log every transition, for a limited time, and trace it. */
  private watched(id: string, name: string, retention: logs.RetentionDays) {
    // A log outlives its stack, and must not block a stack that is deployed later.
    const own = Fn.select(0, Fn.split("-", Fn.select(2, Fn.split("/", Stack.of(this).stackId))));
    return {
      tracingEnabled: true,
      logs: {
        level: LogLevel.ALL,
        // A gate's input has its task token.
        includeExecutionData: false,
        destination: new logs.LogGroup(this, id, {
          // Step Functions may write to log groups with this prefix without a policy.
          logGroupName: `/aws/vendedlogs/states/${name}-${own}`,
          retention,
          removalPolicy: RemovalPolicy.RETAIN,
        }),
      },
    };
  }
}
