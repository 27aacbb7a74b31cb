import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import * as z from "zod";
import type { GateRequest, GateResponse } from "./request.ts";

const text = z.string().catch("");
const texts = z.record(z.string(), z.string().optional().catch(undefined)).catch({});

const version2 = z.looseObject({
  rawPath: z.string(),
  rawQueryString: text,
  headers: texts,
  body: text,
  isBase64Encoded: z.boolean().catch(false),
  requestContext: z.looseObject({
    domainName: text,
    http: z.looseObject({ method: z.string(), sourceIp: text }),
  }),
});

/** As a REST API sends it, and an HTTP API that is set to payload format 1.0. */
const version1 = z.looseObject({
  httpMethod: z.string(),
  path: z.string(),
  queryStringParameters: texts,
  headers: texts,
  body: text,
  isBase64Encoded: z.boolean().catch(false),
  requestContext: z
    .looseObject({ domainName: text, identity: z.looseObject({ sourceIp: text }).catch({ sourceIp: "" }) })
    .catch({ domainName: "", identity: { sourceIp: "" } }),
});

/**
 * The request in an event of API Gateway, payload format 2.0 or 1.0; undefined for any other event, such as one that
 * only keeps the function warm.
 */
export function requestOf(event: unknown): GateRequest | undefined {
  const two = version2.safeParse(event).data;
  if (two)
    return {
      method: two.requestContext.http.method.toUpperCase(),
      path: two.rawPath,
      query: two.rawQueryString,
      ...common(two),
      from: two.requestContext.http.sourceIp,
    };
  const one = version1.safeParse(event).data;
  if (!one) return undefined;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(one.queryStringParameters)) query.append(name, value ?? "");
  return {
    method: one.httpMethod.toUpperCase(),
    path: one.path,
    query: query.toString(),
    ...common(one),
    from: one.requestContext.identity.sourceIp,
  };
}

function common({
  headers,
  body,
  isBase64Encoded,
  requestContext,
}: {
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
  isBase64Encoded: boolean;
  requestContext: { domainName: string };
}): Pick<GateRequest, "headers" | "body" | "origin"> {
  return {
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: isBase64Encoded ? Buffer.from(body, "base64").toString("utf8") : body,
    // Not from the settings: they would make the API and this function need each other at deployment.
    origin: `https://${requestContext.domainName}`,
  };
}

export function resultOf({ status, headers, body }: GateResponse): APIGatewayProxyStructuredResultV2 {
  return { statusCode: status, headers: { ...headers }, body };
}
