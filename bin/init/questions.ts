import { UsageError } from "../../local/events.ts";

/** Settings on the way to be whole: as they will stand in cdk.json. */
export type Draft = Record<string, unknown>;

/** One answer that the settings need, by a flag or at the prompt. */
export interface Question {
  /** Name of the flag, without its dashes. */
  flag: string;
  /** What the flag's value is called in the help. */
  value: string;
  asks: string;
  /** Taken where nothing is answered; "" leaves the setting out. Not there: it must be answered. */
  otherwise?: string;
  /** Not asked, and not needed, where an earlier answer has settled it. */
  settledBy?(draft: Draft): boolean;
  /** Once it is answered or settled, production is known, and is looked up. */
  looksUp?: true;
  /** Several answers: by commas at the prompt, by the flag more than once. */
  several?: true;
  /** Beginnings of the mistakes that are about this answer. */
  about: readonly string[];
  /** @throws UsageError for an answer that cannot be read; whether it is right is the settings' schema to say */
  put(answers: readonly string[], draft: Draft): void;
}

type Text = Omit<Question, "about" | "put">;

/** An answer that is the setting, as it is. */
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
    asks: "DB cluster identifier of production, where it is a cluster: of Aurora PostgreSQL, or a Multi-AZ DB cluster",
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
    asks: "ARN of the KMS key of that secret, where it is one of your own",
    otherwise: "",
  }),
  text("database.storageKmsKeyArn", {
    flag: "storage-key",
    value: "arn",
    asks: "ARN of the KMS key that the instance is encrypted with, where it is one of your own",
    otherwise: "",
  }),
  {
    flag: "another",
    value: "instance/database=login",
    asks: "Further databases for the same network, people and plans, of which a run's input then names one, such as billing/app=arn:... or billing/app=role",
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
    asks: "Security group for the functions, which the database's must let in",
  }),
  {
    flag: "endpoint-route-tables",
    value: "id",
    asks: "Route tables of those subnets, where they have no way to S3, Secrets Manager, SNS and EventBridge, and VPC endpoints are to be made",
    otherwise: "",
    several: true,
    about: ["network.endpoints"],
    put: (routeTableIds, draft) => set(draft, "network.endpoints", { routeTableIds }),
  },
  texts("approvers", {
    flag: "approvers",
    value: "address",
    asks: "E-mail addresses that are asked at each gate",
  }),
  texts("escalation", {
    flag: "escalation",
    value: "address",
    asks: "E-mail addresses that are asked when none of them answered in time",
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
    asks: "CloudWatch alarms that are silent while the application is down",
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
    asks: "May a run put the snapshot in production's place, where people say Go to that? yes or no",
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
  if (!/^(y|yes|n|no)$/i.test(answer)) throw new UsageError(`${answer}: say yes or no.`);
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
