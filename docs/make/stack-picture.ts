import { CAPABILITY_METADATA } from "../../lib/functions/functions.ts";
import { GATE_PAGE_NAME } from "../../lib/functions/specs.ts";
import type { Resource, Template } from "../../local/definition.ts";

interface Function {
  name: string;
  inside: boolean;
  /** Services that its role may call. */
  services: ReadonlySet<string>;
}

/** Services that a function may call, by the prefix of the actions, with their names for people. */
const SERVICES: Readonly<Record<string, string>> = {
  s3: "Evidence and leases<br/>S3, KMS",
  sns: "Messages to people<br/>SNS, KMS",
  rds: "Instances and snapshots<br/>RDS API",
  secretsmanager: "The database's secret<br/>Secrets Manager",
  "rds-db": "Tokens to log in<br/>IAM",
  cloudwatch: "Alarms, free disk<br/>CloudWatch",
  events: "Events of gates<br/>EventBridge",
  states: "Executions and answers<br/>Step Functions API",
  scheduler: "Schedules of the watch<br/>EventBridge Scheduler",
};

/** Returns the calls between the parts of the stack as Mermaid text. */
export function stackPicture(template: Template): string {
  const functions = functionsOf(template);
  const machine = functions.filter(({ name }) => name !== GATE_PAGE_NAME);
  const groups = {
    inside: machine.filter(({ inside }) => inside),
    outside: machine.filter(({ inside }) => !inside),
    page: functions.filter(({ name }) => name === GATE_PAGE_NAME),
  };
  const lines = [
    "flowchart LR",
    '  operator(["Operators"]) --> run["State machine: the run"]',
    '  approver(["Approvers"]) --> api["HTTP API: gates\' pages"] --> page',
    `  subgraph vpc["The database's network"]`,
    `    inside["${names(groups.inside)}"] --> database[("Production<br/>and staging")]`,
    "  end",
    `  outside["${names(groups.outside)}"]`,
    `  page["${names(groups.page)}"]`,
    "  run --> inside & outside",
    ...(has(template, "AWS::Events::Rule")
      ? [
          '  run -- "ended from outside" --> rule["EventBridge rule"] --> cleanUp["State machine: the clean-up"]',
          "  cleanUp --> inside & outside",
        ]
      : []),
    ...(has(template, "AWS::SQS::Queue")
      ? ['  rule -- "undelivered" --> queue["Dead letters<br/>SQS"] --> alarm["Alarm"]']
      : []),
  ];
  for (const [service, title] of Object.entries(SERVICES)) {
    if (!functions.some(({ services }) => services.has(service))) continue;
    lines.push(`  ${idOf(service)}[("${title}")]`);
    for (const [group, members] of Object.entries(groups)) {
      const users = members.filter(({ services }) => services.has(service));
      if (users.length === 0) continue;
      const label = labelOf(users, members);
      lines.push(`  ${group} ${label === "" ? "-->" : `-- "${label}" -->`} ${idOf(service)}`);
    }
  }
  if (has(template, "AWS::CloudWatch::Alarm")) lines.push("  alarm --> sns");
  if (has(template, "AWS::Events::Rule"))
    lines.push('  cleanUp -- "ended from outside" --> second["EventBridge rule"] --> sns');
  if (has(template, "AWS::Scheduler::ScheduleGroup")) lines.push('  scheduler -- "watch" --> inside');
  if (has(template, "AWS::CloudWatch::Dashboard"))
    lines.push('  inside -- "watch" --> dashboard["Dashboard and alarms<br/>CloudWatch"] --> sns');
  return `${lines.join("\n")}\n`;
}

/** Names the users within a group; empty if all members are users. */
function labelOf(users: readonly Function[], members: readonly Function[]): string {
  const others = members.filter((member) => !users.includes(member));
  if (others.length === 0) return "";
  const list = (functions: readonly Function[]) => functions.map(({ name }) => name).join(", ");
  return others.length < users.length / 3 ? `all but ${list(others)}` : list(users);
}

const idOf = (service: string) => service.replace("-", "");

/** In rows of three, so that the box stays narrow. */
function names(functions: readonly Function[]): string {
  const all = functions.map(({ name }) => name).sort();
  const rows = all.flatMap((_, at) => (at % 3 === 0 ? [all.slice(at, at + 3).join(", ")] : []));
  return rows.join("<br/>");
}

function has({ Resources }: Template, type: string): boolean {
  return Object.values(Resources).some(({ Type }) => Type === type);
}

function functionsOf({ Resources }: Template): Function[] {
  return Object.values(Resources)
    .filter(({ Metadata }) => Metadata?.[CAPABILITY_METADATA] !== undefined)
    .map(({ Metadata, Properties }) => ({
      name: String(Metadata?.[CAPABILITY_METADATA]),
      inside: Properties.VpcConfig !== undefined,
      services: servicesOf(Resources, Properties.Role),
    }));
}

/** Prefixes of the actions that a role's policies allow. */
function servicesOf(resources: Template["Resources"], role: unknown): Set<string> {
  const [id = ""] = (role as { "Fn::GetAtt": string[] })["Fn::GetAtt"];
  const statements = Object.values(resources)
    .filter(
      ({ Type, Properties }) =>
        Type === "AWS::IAM::Policy" && JSON.stringify(Properties.Roles).includes(`"${id}"`),
    )
    .flatMap(
      ({ Properties }: Resource) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement,
    );
  const actions = statements
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(({ Action }) => [Action].flat());
  return new Set(actions.map((action) => action.split(":")[0] ?? ""));
}

interface Statement {
  Effect: "Allow" | "Deny";
  Action: string | string[];
}
