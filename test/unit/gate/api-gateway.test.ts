import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { afterEach, describe, expect, test, vi } from "vitest";
import { handler, requestOf, resultOf } from "../../../lambdas/gate-page/handler.ts";
import { docName } from "../../../lambdas/shared/documents.ts";
import { NO_GO, scene, shownOn } from "./scene.ts";

/** An event as an HTTP API sends it, reduced to the fields that are read. */
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
  const page = resultOf(await s.request(requestOf(event("GET", path, `key=${key}`)) ?? {}));
  expect(page.statusCode).toBe(200);
  expect(page.headers?.["content-security-policy"]).toContain("default-src 'none'");
  const form = new URLSearchParams({ key, shown: shownOn(page.body ?? ""), ...NO_GO, by: "Zoë" }).toString();
  const done = resultOf(await s.request(requestOf(event("POST", path, "", form)) ?? {}));
  expect(done.statusCode).toBe(200);
  expect(await s.evidence.read(docName("gates/readiness-1/decision"))).toMatchObject({
    by: "Zoë",
    from: "198.51.100.4",
  });
});

test("payload format 1.0 is read like 2.0, whatever the case of its headers", () => {
  const first = {
    version: "1.0",
    httpMethod: "post",
    path: "/gates/run-1/open/1",
    queryStringParameters: { key: "a+b" },
    headers: { "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin" },
    body: "decision=Go",
    isBase64Encoded: false,
    requestContext: { domainName: "gates.example", identity: { sourceIp: "198.51.100.4" } },
  };
  expect(requestOf(first)).toEqual({
    method: "POST",
    path: "/gates/run-1/open/1",
    query: "key=a%2Bb",
    headers: { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" },
    body: "decision=Go",
    from: "198.51.100.4",
    origin: "https://gates.example",
  });
});

describe("the handler answers any event", () => {
  const context = { getRemainingTimeInMillis: () => 29_000 } as Context;
  const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
  afterEach(() => logged.mockClear());

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a text", "ping"],
    ["a number", 7],
    ["a list", []],
    ["an empty object", {}],
    ["a call that keeps it warm", { source: "serverless-plugin-warmup" }],
    ["a scheduled event", { version: "0", "detail-type": "Scheduled Event", detail: {} }],
    ["a method without a path", { requestContext: { http: { method: "GET" } } }],
    ["a path without a method", { rawPath: "/gates/run-1/open/1", requestContext: {} }],
    ["a method that is no text", { rawPath: "/", requestContext: { http: { method: 1 } } }],
  ])("%s: as no request", async (_, given) => {
    const { statusCode, headers, body } = await handler(given, context);
    expect(statusCode).toBe(400);
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
    });
    expect(body).toContain("Nothing was decided");
  });

  test.each<[string, unknown, number]>([
    ["no headers, query or body", { rawPath: "/", requestContext: { http: { method: "GET" } } }, 404],
    [
      "all of them null",
      {
        rawPath: "/",
        rawQueryString: null,
        headers: null,
        body: null,
        requestContext: { http: { method: "POST", sourceIp: null } },
      },
      404,
    ],
    [
      "headers that are no texts",
      { rawPath: "/", headers: { a: 1, b: ["x"] }, requestContext: { http: { method: "GET" } } },
      404,
    ],
    [
      "a path that cannot be decoded",
      { rawPath: "/gates/%ff/open/1", requestContext: { http: { method: "GET" } } },
      404,
    ],
    ["payload format 1.0, bare", { httpMethod: "GET", path: "/", headers: null, requestContext: null }, 404],
    [
      "a gate, if it was deployed without a bucket",
      { rawPath: "/gates/run-1/open/1", requestContext: { http: { method: "GET" } } },
      500,
    ],
  ])("%s: with a page", async (_, given, status) => {
    const { statusCode, body } = await handler(given, context);
    expect(statusCode).toBe(status);
    expect(body).toContain("<!doctype html>");
  });
});

test("every answer keeps browsers on TLS, and gives its page no feature of the device", async () => {
  const s = scene();
  const { path, key } = await s.open();
  for (const { headers } of [await s.get(path, key), await s.get("/elsewhere", key)]) {
    expect(Number(/^max-age=(\d+)$/.exec(headers["strict-transport-security"] ?? "")?.[1])).toBeGreaterThan(
      31_000_000,
    );
    expect(headers["permissions-policy"]).toMatch(/(^|, )camera=\(\)(,|$)/);
  }
});
