import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { iamCredentials } from "../../../lambdas/shared/aws/databases.ts";

const endpoint = { host: "orders.abc.eu-central-1.rds.amazonaws.com", port: 5433 };

beforeEach(() => {
  vi.stubEnv("AWS_REGION", "eu-central-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  vi.stubEnv("AWS_SESSION_TOKEN", "session");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

test("the password is a token for that endpoint and that role, signed with the function's own credentials", async () => {
  const all = [];
  for await (const one of iamCredentials("sluice", endpoint)) all.push(one);
  const [found, ...others] = all;
  expect(others).toEqual([]);
  expect(found?.username).toBe("sluice");
  const token = new URL(`https://${found?.password}`);
  expect(token.host).toBe("orders.abc.eu-central-1.rds.amazonaws.com:5433");
  expect(Object.fromEntries(token.searchParams)).toMatchObject({
    Action: "connect",
    DBUser: "sluice",
    "X-Amz-Expires": "900",
    "X-Amz-Security-Token": "session",
    "X-Amz-Credential": expect.stringMatching(/^AKIDEXAMPLE\/\d{8}\/eu-central-1\/rds-db\/aws4_request$/),
    "X-Amz-Signature": expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(found?.password).not.toContain("secret");
});
