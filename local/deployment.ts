import { awsErrorName, messageOf } from "../lambdas/shared/errors.ts";
import { UsageError } from "./events.ts";
import { type Deployment, outputOf } from "./publish.ts";

/**
 * A stack's outputs by the names that Sluice gives them. In a team's own app they also have the construct's id and a digest.
 * @param id of the construct, if the stack has several
 * @throws UsageError if there are several and none is named, and for a name that does not exist
 */
export function namedOutputs(
  outputs: readonly (readonly [key: string, value: string])[],
  stack: string,
  id?: string,
): Map<string, string> {
  const OF_CONSTRUCT = /^(?<id>\w+)Next(?<name>\w+)[0-9A-F]{8}$/;
  const own = outputs.flatMap(([key, value]) => {
    const { id: of, name } = OF_CONSTRUCT.exec(key)?.groups ?? {};
    return of !== undefined && name !== undefined ? [{ of, name, value }] : [];
  });
  const ids = [...new Set(own.map(({ of }) => of))];
  const wanted = id ?? ids[0];
  if (id === undefined && ids.length > 1)
    throw new UsageError(
      `The stack ${stack} has several of Sluice: give ${ids.map((one) => `--stack ${stack}/${one}`).join(" or ")}.`,
    );
  if (id !== undefined && !ids.includes(id))
    throw new UsageError(
      `The stack ${stack} has no Sluice called ${id}${ids.length === 0 ? "" : `, but ${ids.join(" and ")}`}.`,
    );
  return new Map([
    ...outputs,
    ...own.flatMap(({ of, name, value }): [string, string][] => (of === wanted ? [[name, value]] : [])),
  ]);
}

/**
 * Finds a deployment by its stack's name, with the credentials and the Region that the AWS CLI would use.
 * @param given the stack, with `/` and the construct's id if it has several
 * @throws UsageError with AWS's error
 */
export async function findDeployment(given: string, region: string | undefined): Promise<Deployment> {
  const [stack = "", id] = given.split("/");
  const at = region === undefined ? {} : { region };
  const [{ CloudFormationClient, DescribeStacksCommand }, { GetCallerIdentityCommand, STSClient }] =
    await Promise.all([import("@aws-sdk/client-cloudformation"), import("@aws-sdk/client-sts")]);
  const [{ S3Client }, { SFNClient, StartExecutionCommand }, { S3Evidence }] = await Promise.all([
    import("@aws-sdk/client-s3"),
    import("@aws-sdk/client-sfn"),
    import("../lambdas/shared/aws/s3.ts"),
  ]);
  const described = await askAws(`to describe the stack ${stack}`, () =>
    new CloudFormationClient(at).send(new DescribeStacksCommand({ StackName: stack })),
  );
  const outputs = namedOutputs(
    (described.Stacks?.[0]?.Outputs ?? []).map(
      ({ OutputKey, OutputValue }) => [OutputKey ?? "", OutputValue ?? ""] as const,
    ),
    stack,
    id,
  );
  const { UserId = "", Arn = "" } = await askAws("who you are", () =>
    new STSClient(at).send(new GetCallerIdentityCommand()),
  );
  const bucket = outputOf(outputs, "EvidenceBucket", stack);
  const machine = outputOf(outputs, "StateMachineArn", stack);
  // The stack of an older version has one database, and no such output.
  const databases = outputs.get("Databases")?.split(", ") ?? [];
  const evidence = new S3Evidence(new S3Client(at), bucket);
  return {
    stack,
    bucket,
    machine,
    databases,
    store: {
      create: (key, ...rest) => askAws(`to write ${key}`, () => evidence.create(key, ...rest)),
      read: (key) => askAws(`to read ${key}`, () => evidence.read(key)),
    },
    identity: { id: UserId, arn: Arn },
    async start(input) {
      const started = await askAws("to start an execution", () =>
        new SFNClient(at).send(new StartExecutionCommand({ stateMachineArn: machine, input })),
      );
      return started.executionArn ?? "";
    },
  };
}

const MENDS: readonly [RegExp, string][] = [
  [/Region is missing/, "Set AWS_REGION, or a region in your AWS profile."],
  [
    /Credential|credentials|ExpiredToken|InvalidClientTokenId|UnrecognizedClient|TokenRefresh|SSO/,
    "Log in to AWS first, for example with `aws sso login`, or set AWS_PROFILE.",
  ],
  [
    /does not exist/,
    "Deploy it with `npx cdk deploy`, give another --stack, or check AWS_REGION and AWS_PROFILE.",
  ],
  [
    /AccessDenied|not authorized/,
    "Publishing needs the policy with the ARN in the stack's output PublishersPolicyArn; starting needs states:StartExecution.",
  ],
];

/** Reports an error of AWS as one of AWS: it is not a bug of Sluice. */
async function askAws<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const reason = `${awsErrorName(error) ?? "Error"}: ${messageOf(error)}`;
    const mend = MENDS.find(([pattern]) => pattern.test(reason))?.[1] ?? "Check the network, and try again.";
    throw new UsageError(`AWS was asked ${what}, and answered: ${reason}. ${mend}`);
  }
}
