import {
  GetSecretValueCommand,
  ListSecretsCommand,
  type SecretListEntry,
  type SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import * as z from "zod";
import { awsErrorName } from "./error-name.ts";

const credentials = z.object({ username: z.string().min(1), password: z.string().min(1) });
export type Credentials = z.infer<typeof credentials>;

/** What RDS tags its secrets with, by what they are of. */
const OWNER_TAG = { db: "aws:rds:primaryDBInstanceArn", cluster: "aws:rds:primaryDBClusterArn" } as const;

/**
 * The credentials to try, likeliest first, each read when it is asked for and kept nowhere:
 * 1. the secret as it is; once more, should it have been rotated between reading and connecting;
 * 2. as it was before the last rotation, which is what a copy of a snapshot older than that has;
 * 3. secrets that RDS itself made for this instance or cluster: when a restored production gets a managed password again, that
 *    is a new secret.
 */
export async function* masterCredentials(
  client: SecretsManagerClient,
  secretArn: string,
  instance: string,
  of: keyof typeof OWNER_TAG = "db",
): AsyncGenerator<Credentials> {
  const tried = new Set<string>();
  const read = async function* (id: string, stage: "AWSCURRENT" | "AWSPREVIOUS") {
    const found = await readSecret(client, id, stage);
    if (!found || tried.has(found.password)) return;
    tried.add(found.password);
    yield found;
  };
  yield* read(secretArn, "AWSCURRENT");
  yield* read(secretArn, "AWSCURRENT");
  yield* read(secretArn, "AWSPREVIOUS");
  for (const arn of await managedSecrets(client, OWNER_TAG[of], ownerArn(secretArn, of, instance)))
    yield* read(arn, "AWSCURRENT");
}

/**
 * Undefined for a secret or a stage that is not there (any more).
 * @throws Error when the secret does not hold what it should; its message quotes nothing of it.
 */
async function readSecret(
  client: SecretsManagerClient,
  SecretId: string,
  VersionStage: string,
): Promise<Credentials | undefined> {
  let text: string | undefined;
  try {
    text = (await client.send(new GetSecretValueCommand({ SecretId, VersionStage }))).SecretString;
  } catch (error) {
    if (awsErrorName(error) === "ResourceNotFound") return undefined;
    throw error;
  }
  const parsed = credentials.safeParse(asJson(text));
  if (!parsed.success) throw new Error(`Secret ${SecretId} must be JSON with username and password`);
  return parsed.data;
}

function asJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    // The parser's message would quote the secret.
    return undefined;
  }
}

async function managedSecrets(client: SecretsManagerClient, tag: string, owner: string): Promise<string[]> {
  const found: SecretListEntry[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListSecretsCommand({
        Filters: [
          { Key: "tag-key", Values: [tag] },
          { Key: "tag-value", Values: [owner] },
        ],
        NextToken: token,
      }),
    );
    found.push(...(page.SecretList ?? []));
    token = page.NextToken;
  } while (token !== undefined);
  // The filters match beginnings of words: `orders` would find `orders-2` too.
  return found
    .filter(({ Tags }) => Tags?.some(({ Key, Value }) => Key === tag && Value === owner))
    .sort((a, b) => Number(b.CreatedDate ?? 0) - Number(a.CreatedDate ?? 0))
    .flatMap(({ ARN }) => (ARN === undefined ? [] : [ARN]));
}

/** The secret is in the instance's or cluster's own account and Region, so its ARN tells both. */
export function ownerArn(secretArn: string, of: keyof typeof OWNER_TAG, name: string): string {
  const [, partition, , region, account] = secretArn.split(":");
  return `arn:${partition}:rds:${region}:${account}:${of}:${name}`;
}
