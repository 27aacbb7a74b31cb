import { CfnOutput, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import * as logs from "aws-cdk-lib/aws-logs";
import { LogLevel } from "aws-cdk-lib/aws-stepfunctions";
import type { Construct } from "constructs";
import type { CompiledPlan } from "../lambdas/shared/plan.ts";
import { acknowledge } from "./acknowledged.ts";
import { ExportRole } from "./export-role.ts";
import { Functions } from "./functions/functions.ts";
import { GateApi } from "./gate-api.ts";
import { Machine } from "./machine/machine.ts";
import { Network } from "./network.ts";
import { Notices } from "./notices.ts";
import type { Settings } from "./settings.ts";
import { Storage } from "./storage.ts";
import { watchProduction } from "./watch-production.ts";

export interface SluiceStackProps extends StackProps {
  settings: Settings;
  plan: CompiledPlan;
}

/** Everything that is deployed for one database and one plan. Only wires; each construct has one concern. */
export class SluiceStack extends Stack {
  readonly machine: Machine;

  constructor(scope: Construct, id: string, { settings, plan, ...props }: SluiceStackProps) {
    super(scope, id, { description: `Sluice: ${plan.title}`, ...props });
    const retention: logs.RetentionDays = settings.retentionDays;
    const storage = new Storage(this, "Storage", settings);
    const notices = new Notices(this, "Notices", settings);
    const network = new Network(this, "Network", settings.network);
    const api = new GateApi(this, "Gates", { retention });
    const { exportTo } = settings.backup;
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
    this.machine = new Machine(this, "Machine", {
      plan,
      rehearse: settings.rehearse,
      archive: Object.keys(settings.backup).length > 0,
      functions: functions.byCapability,
      stateMachineProps: {
        tracingEnabled: true,
        logs: {
          level: LogLevel.ALL,
          // A gate's input holds its task token.
          includeExecutionData: false,
          destination: new logs.LogGroup(this, "MachineLog", {
            // Step Functions may write to log groups of this name without a policy of their own.
            logGroupName: `/aws/vendedlogs/states/${id}`,
            retention,
            removalPolicy: RemovalPolicy.RETAIN,
          }),
        },
      },
    });
    functions.allowMachine(this.machine.stateMachine);
    api.serve(functions.gatePage);
    watchProduction(this, { plan, instance: settings.database.instance, functions, notices });
    acknowledge({ settings, storage, api, exports, functions, machine: this.machine });

    new CfnOutput(this, "StateMachineArn", { value: this.machine.stateMachine.stateMachineArn });
    new CfnOutput(this, "EvidenceBucket", { value: storage.bucket.bucketName });
    new CfnOutput(this, "GateUrl", { value: api.url });
  }
}
