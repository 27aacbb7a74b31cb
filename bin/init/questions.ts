import { UsageError } from "../../local/events.ts";

/** Settings that may still be incomplete, as they will be in cdk.json. */
export type Draft = Record<string, unknown>;

/** One answer that the settings need, from a flag or from the prompt. */
export interface Question {
  /** Name of the flag, without its dashes. */
  flag: string;
  /** Name of the flag's value in the help. */
  value: string;
  asks: string;
  /** Taken when there is no answer; "" leaves the setting out. Without it an answer is required. */
  otherwise?: string;
  /** Whether an earlier answer makes this question unnecessary. */
  settledBy?(draft: Draft): boolean;
  /** Production is looked up once this question is answered or settled. */
  looksUp?: true;
  /** Takes several answers: separated by commas at the prompt, by repeating the flag otherwise. */
  several?: true;
  /** Paths in the settings that begin a mistake about this answer. */
  about: readonly string[];
  /** @throws UsageError for an answer that cannot be read; the settings' schema checks its value */
  put(answers: readonly string[], draft: Draft): void;
}

type Text = Omit<Question, "about" | "put">;

/** An answer that is the setting itself. */
const text = (path: string, question: Text): Question => ({
  ...question,
  about: [path],
  put: ([answer], draft) => set(draft, path, answer),
});

const texts = (path: string, question: Text): Question => ({
  ...question,
  several: true,
  about: [path],
  put: (answers, draft) => set(draft, path, answers),
});

export const QUESTIONS: readonly Question[] = [
  text("plan", {
    flag: "plan",
    value: "dir",
    asks: "Folder of the plan",
    otherwise: "sql/knowledge-graph",
  }),
  text("database.cluster", {
    flag: "cluster",
    value: "identifier",
    asks: "DB cluster identifier of production, if it is a cluster: Aurora PostgreSQL or Multi-AZ DB cluster",
    otherwise: "",
  }),
  {
    ...text("database.instance", {
      flag: "instance",
      value: "identifier",
      asks: "DB instance identifier of production",
    }),
    settledBy: isCluster,
    looksUp: true,
  },
  text("database.name", { flag: "database", value: "name", asks: "Name of the database in it" }),
  {
    flag: "login",
    value: "arn-or-role",
    asks: "How the migrating role logs in: ARN of the secret with its username and password, or the role's name to log in by IAM",
    about: ["database.secretArn", "database.iamUser"],
    put: ([answer = ""], draft) => set(draft, `database.${loginBy(answer)}`, answer),
  },
  text("database.secretKmsKeyArn", {
    flag: "secret-key",
    value: "arn",
    asks: "ARN of the KMS key of that secret, if it is a key of your own",
    otherwise: "",
  }),
  text("database.storageKmsKeyArn", {
    flag: "storage-key",
    value: "arn",
    asks: "ARN of the KMS key that the instance is encrypted with, if it is a key of your own",
    otherwise: "",
  }),
  {
    flag: "another",
    value: "instance/database=login",
    asks: "Further databases for the same network, people and plans, such as billing/app=arn:... or billing/app=role; a run's input then names one",
    otherwise: "",
    several: true,
    about: ["databases"],
    put: putFurther,
  },
  text("network.vpcId", { flag: "vpc", value: "id", asks: "VPC of the database" }),
  {
    flag: "subnets",
    value: "zone=id",
    asks: "Subnets that reach it, such as eu-central-1a=subnet-0ab1,eu-central-1b=subnet-0ab2; or ACCOUNT/REGION to have CDK look them up",
    several: true,
    about: ["network.availabilityZones", "network.subnetIds", "network.lookUp"],
    put: putSubnets,
  },
  text("network.securityGroupId", {
    flag: "security-group",
    value: "id",
    asks: "Security group for the functions; the database's security group must let it in",
  }),
  {
    flag: "endpoint-route-tables",
    value: "id",
    asks: "Route tables of those subnets, to make VPC endpoints if they cannot reach S3, Secrets Manager, SNS and EventBridge",
    otherwise: "",
    several: true,
    about: ["network.endpoints"],
    put: (routeTableIds, draft) => set(draft, "network.endpoints", { routeTableIds }),
  },
  texts("approvers", {
    flag: "approvers",
    value: "address",
    asks: "E-mail addresses of the approvers, who answer the gates",
  }),
  texts("escalation", {
    flag: "escalation",
    value: "address",
    asks: "E-mail addresses of the escalation contacts, for gates that nobody answered in time",
  }),
  text("application.url", {
    flag: "application-url",
    value: "url",
    asks: "Base address of the application, for the plan's hooks and smoke tests",
    otherwise: "",
  }),
  texts("application.roles", {
    flag: "application-roles",
    value: "role",
    asks: "Database roles of the application that the plan does not name",
    otherwise: "",
  }),
  texts("alarms", {
    flag: "alarms",
    value: "name",
    asks: "CloudWatch alarms to silence while the application is down",
    otherwise: "",
  }),
  {
    flag: "window",
    value: "text",
    asks: "Maintenance window, such as: sat,sun 01:00 6h Europe/Berlin",
    otherwise: "",
    about: ["maintenanceWindow"],
    put: putWindow,
  },
  {
    flag: "contacts",
    value: "role=name",
    asks: "Contacts that gate pages show, such as Migration lead=Ada Lovelace",
    otherwise: "",
    several: true,
    about: ["contacts"],
    put: (answers, draft) =>
      set(
        draft,
        "contacts",
        answers.map((answer) => pair(answer, "Role=Name")).map(([role, name]) => ({ role, name })),
      ),
  },
  {
    flag: "restore",
    value: "yes-or-no",
    asks: "May a run replace production by its backup, after a Go for that? yes or no",
    otherwise: "yes",
    about: ["restore"],
    put: ([answer], draft) => set(draft, "restore", yesOrNo(answer)),
  },
  {
    flag: "retention-days",
    value: "days",
    asks: "Days that evidence and logs are kept",
    otherwise: "365",
    about: ["retentionDays"],
    put: ([answer], draft) => set(draft, "retentionDays", Number(answer)),
  },
];

function isCluster({ database }: Draft): boolean {
  return (database as Draft | undefined)?.cluster !== undefined;
}

function loginBy(answer: string): "secretArn" | "iamUser" {
  return answer.startsWith("arn:") ? "secretArn" : "iamUser";
}

function putFurther(answers: readonly string[], draft: Draft): void {
  const further = answers.map((answer) => {
    const [, instance, name, login = ""] = /^([^/=]+)\/([^=]+)=(.+)$/.exec(answer) ?? [];
    if (instance === undefined)
      throw new UsageError(`${answer}: it must look like INSTANCE/DATABASE=ARN or INSTANCE/DATABASE=ROLE.`);
    return { instance, name, [loginBy(login)]: login };
  });
  set(draft, "databases", [draft.database, ...further]);
  set(draft, "database", undefined);
}

function putSubnets(answers: readonly string[], draft: Draft): void {
  const [, account, region] = /^(\d+)\/(.+)$/.exec(answers[0] ?? "") ?? [];
  if (account !== undefined) {
    set(draft, "network.lookUp", { account, region });
    return;
  }
  const pairs = answers.map((answer) => pair(answer, "ZONE=SUBNET"));
  set(
    draft,
    "network.availabilityZones",
    pairs.map(([zone]) => zone),
  );
  set(
    draft,
    "network.subnetIds",
    pairs.map(([, subnet]) => subnet),
  );
}

function putWindow([answer = ""]: readonly string[], draft: Draft): void {
  const [, days, from, hours, timeZone] = /^(?:(\S+) )?(\d\S*) ([\d.]+) ?h (\S+)$/.exec(answer) ?? [];
  if (from === undefined)
    throw new UsageError(`${answer}: it must look like sat,sun 01:00 6h Europe/Berlin.`);
  const on = days === undefined ? {} : { days: days.split(",") };
  set(draft, "maintenanceWindow", { ...on, from, hours: Number(hours), timeZone });
}

function pair(answer: string, shape: string): [string, string] {
  const [, left, right] = /^([^=]+)=(.+)$/.exec(answer) ?? [];
  if (left === undefined || right === undefined)
    throw new UsageError(`${answer}: it must look like ${shape}.`);
  return [left.trim(), right.trim()];
}

function yesOrNo(answer = ""): boolean {
  if (!/^(y|yes|n|no)$/i.test(answer)) throw new UsageError(`${answer}: answer yes or no.`);
  return /^y/i.test(answer);
}

function set(draft: Draft, path: string, value: unknown): void {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let at = draft;
  for (const key of keys) {
    at[key] ??= {};
    at = at[key] as Draft;
  }
  at[last] = value;
}
