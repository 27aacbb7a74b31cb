import { isIP } from "node:net";
import {
  GetSecretValueCommand,
  ListSecretsCommand,
  type SecretListEntry,
  type SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { Signer } from "@aws-sdk/rds-signer";
import type { ClientConfig } from "pg";
import * as z from "zod";
import { messageOf, nameTransient } from "../errors.ts";
import { openPgSession, type PgConnection } from "../pg-session.ts";
import type { Databases, Endpoint } from "../ports.ts";
import type { Session } from "../session.ts";
import { awsErrorName } from "./error-name.ts";

interface PgDatabasesOptions {
  database: string;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** Certificates, as PEM, of who may vouch for a server. */
  authorities: string;
  /** What to log in with there, likeliest first. */
  credentials(endpoint: Endpoint): AsyncIterable<Credentials>;
  /** What to do where none of them is taken. */
  mend: string;
}

/** PostgreSQL servers on RDS, by node-postgres, with TLS that is verified. */
export class PgDatabases implements Databases {
  readonly single = false;
  private readonly options: PgDatabasesOptions;

  constructor(options: PgDatabasesOptions) {
    this.options = options;
  }

  async withSession<T>(
    endpoint: Endpoint,
    work: (session: Session) => Promise<T>,
    database?: string,
  ): Promise<T> {
    const connection = await this.connect(endpoint, database ?? this.options.database);
    try {
      return await work(connection.session);
    } finally {
      await connection.close();
    }
  }

  private async connect(endpoint: Endpoint, database: string): Promise<PgConnection> {
    const { credentials, applicationName, authorities, mend } = this.options;
    let refused: unknown;
    for await (const { username: user, password } of credentials(endpoint)) {
      try {
        return await openPgSession({
          ...endpoint,
          user,
          password,
          database,
          application_name: applicationName,
          ssl: tlsOptions(endpoint.host, authorities),
        });
      } catch (error) {
        if (!isRefused(error)) throw nameTransient(error);
        refused = error;
      }
    }
    throw new Error(`${endpoint.host} lets nobody in with what there is: ${mend}. ${messageOf(refused)}`, {
      cause: refused,
    });
  }
}

/** 28P01: a wrong password. 28000 is what a token of IAM's that is not taken gets, and a role that is not there. */
function isRefused(error: unknown): boolean {
  return ["28P01", "28000"].includes(String((error as { code?: unknown } | null)?.code));
}

/** Node itself does not know Amazon's database authorities. */
function tlsOptions(host: string, authorities: string): NonNullable<ClientConfig["ssl"]> {
  return {
    ca: authorities,
    rejectUnauthorized: true,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
}

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
function ownerArn(secretArn: string, of: keyof typeof OWNER_TAG, name: string): string {
  const [, partition, , region, account] = secretArn.split(":");
  return `arn:${partition}:rds:${region}:${account}:${of}:${name}`;
}

/** A token that IAM vouches for in place of a password: made here, for this endpoint, good for 15 minutes. */
export async function* iamCredentials(
  username: string,
  { host: hostname, port }: Endpoint,
): AsyncGenerator<Credentials> {
  yield { username, password: await new Signer({ hostname, port, username }).getAuthToken() };
}
