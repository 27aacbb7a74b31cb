import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { expect, test } from "vitest";
import { requestOf, resultOf } from "../../../lambdas/gate-page/api-gateway.ts";
import { NO_GO, scene, shownOn } from "./scene.ts";

/** An event as an HTTP API sends it, cut down to what is read. */
function event(method: string, path: string, query: string, body?: string): APIGatewayProxyEventV2 {
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    origin: "https://abc123.execute-api.eu-central-1.amazonaws.com",
    "sec-fetch-site": "same-origin",
  };
  return {
    version: "2.0",
    rawPath: path,
    rawQueryString: query,
    headers,
    requestContext: {
      domainName: "abc123.execute-api.eu-central-1.amazonaws.com",
      http: { method, path, sourceIp: "198.51.100.4" },
    },
    // API Gateway encodes the bodies of forms.
    ...(body === undefined ? {} : { body: Buffer.from(body).toString("base64"), isBase64Encoded: true }),
  } as unknown as APIGatewayProxyEventV2;
}

test("a gate is shown and answered through an HTTP API as it is locally", async () => {
  const s = scene();
  const { path, key } = await s.open();
  const page = resultOf(await s.request(requestOf(event("GET", path, `key=${key}`))));
  expect(page.statusCode).toBe(200);
  expect(page.headers?.["content-security-policy"]).toContain("default-src 'none'");
  const form = new URLSearchParams({ key, shown: shownOn(page.body ?? ""), ...NO_GO, by: "Zoë" }).toString();
  const done = resultOf(await s.request(requestOf(event("POST", path, "", form))));
  expect(done.statusCode).toBe(200);
  expect(await s.evidence.read("gates/readiness-1/decision")).toMatchObject({
    by: "Zoë",
    from: "198.51.100.4",
  });
});
