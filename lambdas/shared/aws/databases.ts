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
import { awsErrorName, messageOf, nameTransient } from "../errors.ts";
import { openPgSession, type PgConnection } from "../pg-session.ts";
import type { Databases, Endpoint } from "../ports.ts";
import type { Session } from "../session.ts";

interface PgDatabasesOptions {
  database: string;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** PEM certificates of the authorities that server certificates are verified against. */
  authorities: string;
  /** Credentials to try at that endpoint, likeliest first. */
  credentials(endpoint: Endpoint): AsyncIterable<Credentials>;
  /** Advice for the error when the server accepts none of them. */
  mend: string;
}

/** PostgreSQL servers on RDS, by node-postgres, with verified TLS. */
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
    throw new Error(`${endpoint.host} refused every login that Sluice has: ${mend}. ${messageOf(refused)}`, {
      cause: refused,
    });
  }
}

/** 28P01: wrong password. 28000: refused IAM token, or a role that does not exist. */
function isRefused(error: unknown): boolean {
  return ["28P01", "28000"].includes(String((error as { code?: unknown } | null)?.code));
}

/** Node's own list lacks Amazon's database authorities. */
function tlsOptions(host: string, authorities: string): NonNullable<ClientConfig["ssl"]> {
  return {
    ca: authorities,
    rejectUnauthorized: true,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
}

const credentials = z.object({ username: z.string().min(1), password: z.string().min(1) });
export type Credentials = z.infer<typeof credentials>;

/** Tag that RDS puts on its secrets, for instances and for clusters. */
const OWNER_TAG = { db: "aws:rds:primaryDBInstanceArn", cluster: "aws:rds:primaryDBClusterArn" } as const;

/**
 * Yields the credentials to try, likeliest first. Each is read when it is needed and stored nowhere:
 * 1. the current secret, twice, as it may be rotated between reading and connecting;
 * 2. the secret before the last rotation, which a copy of an older snapshot has;
 * 3. secrets that RDS made for this instance or cluster: when a restored production gets a managed password again, RDS
 *    makes a new secret.
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
 * Returns the secret's credentials; undefined where the secret or the stage does not exist.
 * @throws Error when the secret has the wrong shape; the message quotes nothing of it.
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
  // The filters match prefixes: `orders` also finds `orders-2`.
  return found
    .filter(({ Tags }) => Tags?.some(({ Key, Value }) => Key === tag && Value === owner))
    .sort((a, b) => Number(b.CreatedDate ?? 0) - Number(a.CreatedDate ?? 0))
    .flatMap(({ ARN }) => (ARN === undefined ? [] : [ARN]));
}

/** The secret is in the same account and Region as the instance or cluster, so its ARN names both. */
function ownerArn(secretArn: string, of: keyof typeof OWNER_TAG, name: string): string {
  const [, partition, , region, account] = secretArn.split(":");
  return `arn:${partition}:rds:${region}:${account}:${of}:${name}`;
}

/** Yields an IAM token as the password. It is valid for this endpoint, for 15 minutes. */
export async function* iamCredentials(
  username: string,
  { host: hostname, port }: Endpoint,
): AsyncGenerator<Credentials> {
  yield { username, password: await new Signer({ hostname, port, username }).getAuthToken() };
}
