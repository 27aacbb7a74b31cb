import {
  GetSecretValueCommand,
  ListSecretsCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, expect, test } from "vitest";
import { masterCredentials } from "../../../lambdas/shared/aws/databases.ts";
import { awsError } from "../../support/aws-error.ts";

const SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:orders-AbCdEf";
const INSTANCE = "arn:aws:rds:eu-central-1:123456789012:db:orders";
const client = mockClient(SecretsManagerClient);

const secret = (password: string) => ({ SecretString: JSON.stringify({ username: "sluice", password }) });

async function passwords(): Promise<string[]> {
  const tried: string[] = [];
  const sdk = new SecretsManagerClient({ region: "eu-central-1" });
  for await (const { password } of masterCredentials(sdk, SECRET, "orders")) tried.push(password);
  return tried;
}

beforeEach(() => {
  client.reset();
  client.on(ListSecretsCommand).resolves({ SecretList: [] });
});

test("a secret of another shape is refused without quoting it", async () => {
  client.on(GetSecretValueCommand).resolves({ SecretString: "hunter2" });
  await expect(passwords()).rejects.toThrow(/^Secret arn:\S+ must be JSON with username and password$/);
});

test("a secret that may not be read is an error, and does not count as missing", async () => {
  client.on(GetSecretValueCommand).rejects(awsError("AccessDeniedException"));
  await expect(passwords()).rejects.toThrow("AccessDenied");
});

test("after a rotation the new password is tried, then the one before", async () => {
  const current = { SecretId: SECRET, VersionStage: "AWSCURRENT" };
  client.on(GetSecretValueCommand, current).resolvesOnce(secret("old")).resolves(secret("new"));
  client
    .on(GetSecretValueCommand, { SecretId: SECRET, VersionStage: "AWSPREVIOUS" })
    .resolves(secret("older"));
  expect(await passwords()).toEqual(["old", "new", "older"]);
});

test("no password is tried twice, and a missing stage is skipped", async () => {
  client
    .on(GetSecretValueCommand, { VersionStage: "AWSPREVIOUS" })
    .rejects(awsError("ResourceNotFoundException"))
    .on(GetSecretValueCommand, { VersionStage: "AWSCURRENT" })
    .resolves(secret("only"));
  expect(await passwords()).toEqual(["only"]);
});

test("a restored instance's managed secret is found by its tag, the newest first, and never another instance's", async () => {
  const entry = (ARN: string, day: number, instance: string) => ({
    ARN,
    CreatedDate: new Date(Date.UTC(2026, 10, day)),
    Tags: [{ Key: "aws:rds:primaryDBInstanceArn", Value: instance }],
  });
  client.on(GetSecretValueCommand).rejects(awsError("ResourceNotFoundException"));
  client.on(GetSecretValueCommand, { SecretId: "first" }).resolves(secret("first"));
  client.on(GetSecretValueCommand, { SecretId: "second" }).resolves(secret("second"));
  client
    .on(ListSecretsCommand)
    .resolvesOnce({
      SecretList: [entry("first", 1, INSTANCE), entry("other", 3, `${INSTANCE}-2`)],
      NextToken: "more",
    })
    .resolves({ SecretList: [entry("second", 2, INSTANCE)] });
  expect(await passwords()).toEqual(["second", "first"]);
});

test("nothing is read before it is needed", async () => {
  client.on(GetSecretValueCommand).resolves(secret("good"));
  const sdk = new SecretsManagerClient({ region: "eu-central-1" });
  for await (const { password } of masterCredentials(sdk, SECRET, "orders")) {
    expect(password).toBe("good");
    break;
  }
  expect(client.calls()).toHaveLength(1);
});

test("a restored cluster's managed secret is found by the tag of clusters", async () => {
  const cluster = INSTANCE.replace(":db:", ":cluster:");
  const tagged = (ARN: string, Key: string, Value: string) => ({ ARN, Tags: [{ Key, Value }] });
  client.on(ListSecretsCommand).resolves({
    SecretList: [
      tagged("theirs", "aws:rds:primaryDBInstanceArn", cluster),
      tagged("ours", "aws:rds:primaryDBClusterArn", cluster),
    ],
  });
  client.on(GetSecretValueCommand).rejects(awsError("ResourceNotFoundException"));
  client.on(GetSecretValueCommand, { SecretId: "ours" }).resolves(secret("restored"));
  client.on(GetSecretValueCommand, { SecretId: "theirs" }).resolves(secret("another's"));
  const sdk = new SecretsManagerClient({ region: "eu-central-1" });
  const tried: string[] = [];
  for await (const { password } of masterCredentials(sdk, SECRET, "orders", "cluster")) tried.push(password);
  expect(tried).toEqual(["restored"]);
});
