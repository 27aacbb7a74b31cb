import { ArnFormat, type CfnResource, Duration, RemovalPolicy, Stack, Token } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as lambda from "aws-cdk-lib/aws-lambda";
import * as logs from "aws-cdk-lib/aws-logs";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { AUTHORITIES_FILE, Envar, PLAN_FILE, SETTINGS_FILE } from "../../lambdas/shared/deployment.ts";
import { documentOf } from "../../lambdas/shared/plan-document.ts";
import { authorities } from "../authorities.ts";
import { MACHINE_CAPABILITIES, type MachineCapability } from "../machine/capabilities.ts";
import type { FunctionsNetwork } from "../network.ts";
import { instancesOf, type Settings, SettingsError, toDeployed } from "../settings.ts";
import { bundle } from "./bundles.ts";
import { type Surroundings, statementsFor } from "./permissions.ts";
import { interfaceStatements } from "./permissions-network.ts";
import {
  CAPABILITIES,
  type FunctionSpec,
  GATE_PAGE,
  GATE_PAGE_NAME,
  ROLLOUT,
  ROLLOUT_NAME,
  STORE_PLAN,
  STORE_PLAN_NAME,
} from "./specs.ts";

/** CloudFormation metadata of each function: the folder under lambdas/ with its handler. */
export const CAPABILITY_METADATA = "sluice:capability";

export interface FunctionsProps extends Surroundings {
  network: FunctionsNetwork;
  /** Base URL of the gate pages, without a trailing slash. */
  gateUrl: string;
}

/** The functions. Where restores are forbidden, the one that could modify production does not exist. */
export type FunctionsMade = Readonly<
  Record<Exclude<MachineCapability, "restore">, lambda.Function> & { restore?: lambda.Function }
>;

/** One function for each capability, one for the gate pages, and one that stores the plan; each has its own role and log. */
export class Functions extends Construct {
  readonly byCapability: FunctionsMade;
  readonly gatePage: lambda.Function;
  readonly rollout: lambda.Function;
  readonly storePlan: lambda.Function;
  /** Subnets of the functions inside the database's network. */
  readonly subnetIds: readonly string[];
  private readonly props: FunctionsProps;
  private readonly environment: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, props: FunctionsProps) {
    super(scope, id);
    this.props = props;
    const { settings, storage, notices, network } = props;
    this.subnetIds = network.vpc.selectSubnets(network.subnets).subnetIds;
    this.environment = {
      [Envar.gateUrl]: props.gateUrl,
      [Envar.bucket]: storage.bucket.bucketName,
      [Envar.approversTopic]: notices.approvers.topicArn,
      [Envar.escalationTopic]: notices.escalation.topicArn,
      ...namesKnownOnceDeployed(this, settings),
    };
    const capabilities = MACHINE_CAPABILITIES.filter((name) => name !== "restore" || settings.restore);
    const settingsText = settingsFile(scope, settings);
    const codeOf = bundle(this, [...capabilities, GATE_PAGE_NAME, ROLLOUT_NAME, STORE_PLAN_NAME], () => {
      const shipped = {
        [SETTINGS_FILE]: settingsText,
        [AUTHORITIES_FILE]: authorities(settings),
      };
      return (name) => (name === STORE_PLAN_NAME ? { [PLAN_FILE]: documentOf(props.plan) } : shipped);
    });
    this.byCapability = Object.fromEntries(
      capabilities.map((name) => [name, this.make(name, CAPABILITIES[name], codeOf(name))]),
    ) as FunctionsMade;
    for (const name of ["admit", "watch"] as const)
      this.byCapability[name].addEnvironment(Envar.plan, props.plan.checksum);
    if (props.exportRole)
      this.byCapability.snapshot.addEnvironment(Envar.exportRole, props.exportRole.roleArn);
    this.gatePage = this.make(GATE_PAGE_NAME, GATE_PAGE, codeOf(GATE_PAGE_NAME));
    this.rollout = this.make(ROLLOUT_NAME, ROLLOUT, codeOf(ROLLOUT_NAME));
    this.rollout.addEnvironment(Envar.plan, props.plan.checksum);
    this.storePlan = this.make(STORE_PLAN_NAME, STORE_PLAN, codeOf(STORE_PLAN_NAME));
  }

  /**
   * Grants what needs the machines. These are separate policies: those of the roles come before the functions, and the
   * machines come after them.
   */
  allowMachines(machines: readonly StateMachine[], rollout: StateMachine): void {
    const executions = (of: readonly StateMachine[]) =>
      of.map(({ stateMachineName }) =>
        Stack.of(this).formatArn({
          service: "states",
          resource: "execution",
          resourceName: `${stateMachineName}:*`,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      );
    const arns = (of: readonly StateMachine[]) => of.map(({ stateMachineArn }) => stateMachineArn);
    this.attach("SeesExecutions", this.byCapability.admit, {
      actions: ["states:DescribeExecution"],
      resources: executions(machines),
    });
    this.attach("SeesRuns", this.rollout, {
      actions: ["states:DescribeExecution"],
      resources: executions([...machines, rollout]),
    });
    const answers = { actions: ["states:SendTaskSuccess"] };
    this.attach("AnswersGates", this.gatePage, { ...answers, resources: arns([...machines, rollout]) });
    this.attach("AnswersHeldRuns", this.rollout, { ...answers, resources: arns(machines) });
  }

  private attach(id: string, to: lambda.Function, statement: iam.PolicyStatementProps): void {
    if (!to.role) throw new Error(`There is no role for ${id}`);
    new iam.Policy(this, id, { roles: [to.role], statements: [new iam.PolicyStatement(statement)] });
  }

  /**
   * What a machine calls: the version of each function that was deployed with the machine. An execution keeps its
   * definition, and so the code, settings and environment of that version, whatever is deployed later.
   */
  get versions(): Readonly<Partial<Record<MachineCapability, lambda.IFunction>>> {
    return Object.fromEntries(
      Object.entries(this.byCapability).map(([name, made]) => [name, versionOf(made)]),
    );
  }

  /** As {@link versions}, of what the rollout's machine calls. */
  get rolloutVersion(): lambda.IFunction {
    return versionOf(this.rollout);
  }

  private make(name: string, spec: FunctionSpec, code: lambda.Code): lambda.Function {
    const scope = new Construct(this, name);
    const { network, settings } = this.props;
    const logGroup = new logs.LogGroup(scope, "Log", {
      retention: settings.retentionDays,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const made = new lambda.Function(scope, "Function", {
      description: `Sluice: ${spec.does}`,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      handler: "index.handler",
      code,
      role: this.role(scope, spec, logGroup),
      logGroup,
      timeout: Duration.seconds(spec.seconds),
      memorySize: spec.memoryMiB,
      environment: { ...this.environment },
      // A version stays when a newer one replaces it, as an execution may still call it. A version whose deployment fails does
      // not stay: Lambda would refuse to make it a second time.
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE },
      ...(spec.reserved !== undefined && settings.reserveConcurrency
        ? { reservedConcurrentExecutions: spec.reserved * instancesOf(settings.databases).length }
        : {}),
      ...(spec.inVpc
        ? { vpc: network.vpc, vpcSubnets: network.subnets, securityGroups: [network.securityGroup] }
        : {}),
    });
    (made.node.defaultChild as CfnResource).addMetadata(CAPABILITY_METADATA, name);
    return made;
  }

  private role(scope: Construct, spec: FunctionSpec, logGroup: logs.LogGroup): iam.Role {
    const role = new iam.Role(scope, "Role", {
      assumedBy: new iam.ServicePrincipal("lambda.amazonaws.com"),
      description: `Sluice: ${spec.does}`,
    });
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [logGroup.logGroupArn],
      }),
    );
    if (spec.inVpc)
      for (const statement of interfaceStatements(Stack.of(this), this.props.network))
        role.addToPolicy(statement);
    for (const need of spec.needs)
      for (const statement of statementsFor(need, this, this.props)) role.addToPolicy(statement);
    if (!spec.needs.includes("tokens")) role.addToPolicy(this.props.storage.noTokensStatement());
    return role;
  }
}

/**
 * The version that is deployed now. The caller may call all versions: a machine's rights are checked at each call, and an
 * execution that an earlier deployment started calls that deployment's versions. Deployments from before there were
 * versions call the function itself.
 */
function versionOf(made: lambda.Function): lambda.IFunction {
  const { functionArn } = made;
  return Object.create(made.currentVersion, {
    resourceArnsForGrantInvoke: { value: [functionArn, `${functionArn}:*`] },
  });
}

/**
 * The settings without the names that {@link namesKnownOnceDeployed} passes.
 * @throws SettingsError for other values that only CloudFormation has: the file would have the wrong text, or none
 */
function settingsFile(scope: Construct, settings: Settings): string {
  const { databases, ...others } = toDeployed(settings);
  const named = databases.map(({ instance, cluster, secretArn, ...database }) => ({
    ...database,
    instance: Token.isUnresolved(instance) ? "" : instance,
    ...(cluster === undefined
      ? {}
      : { cluster: cluster.members?.some(Token.isUnresolved) ? { ...cluster, members: [] } : cluster }),
    ...(secretArn === undefined ? {} : { secretArn: Token.isUnresolved(secretArn) ? "" : secretArn }),
  }));
  const known = { ...others, databases: named };
  const unknown = unknownIn(known);
  if (unknown.length > 0)
    throw new SettingsError(
      unknown.map((at) => `${at}: its value is known only to CloudFormation. Give one that is known now`),
      scope.node.path,
    );
  return JSON.stringify(known);
}

/** Places of values that are known only once deployed, such as `databases[0].alarms[1]`. */
function unknownIn(value: unknown, at = ""): string[] {
  if (Token.isUnresolved(value)) return [at];
  if (Array.isArray(value)) return value.flatMap((item, index) => unknownIn(item, `${at}[${index}]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => unknownIn(item, at ? `${at}.${key}` : key));
}

/** Names that CloudFormation generates: a file beside the code cannot have them, so the environment does. */
function namesKnownOnceDeployed(scope: Construct, { databases }: Settings): Record<string, string> {
  const unknown = databases.some(({ instance, cluster, secretArn }) =>
    [instance, secretArn, ...(cluster?.members ?? [])].some(Token.isUnresolved),
  );
  if (!unknown) return {};
  const names = databases.map(({ instance, cluster, secretArn }) => ({
    instance,
    ...(cluster && { cluster }),
    ...(secretArn && { secretArn }),
  }));
  return { [Envar.names]: Stack.of(scope).toJsonString(names) };
}
