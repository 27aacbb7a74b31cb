import { SFNClient } from "@aws-sdk/client-sfn";
import type { APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import * as z from "zod";
import { evidenceStore, lambdaClock, lazily, s3 } from "../shared/aws/runtime.ts";
import { S3PageLinks } from "../shared/aws/s3.ts";
import { choiceOfDatabase, deployedSettings } from "../shared/aws/shipped.ts";
import { SfnCallbacks } from "../shared/aws/step-functions.ts";
import { Envar, requireEnvar } from "../shared/deployment.ts";
import type { GatePorts } from "../shared/ports.ts";
import { settingsOfNone } from "../shared/settings.ts";
import { answer, broken, notARequest } from "./answer.ts";
import type { GateRequest, GateResponse } from "./request.ts";

/** Answers every event with a page; no event makes it fail. */
export async function handler(event: unknown, context: Context): Promise<APIGatewayProxyStructuredResultV2> {
  try {
    const request = requestOf(event);
    if (!request) return resultOf(notARequest());
    const ports = pagePorts(context, (line) => console.error(line));
    return resultOf(await answer(request, ports));
  } catch (error) {
    return resultOf(broken(error));
  }
}

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

/** The event of a REST API, or of an HTTP API with payload format 1.0. */
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
 * Reads the request from an API Gateway event, payload format 2.0 or 1.0. Returns undefined for any other event, such as
 * one that only keeps the function warm.
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
    // Not from the settings, because then the API and this function would depend on each other at deployment.
    origin: `https://${requestContext.domainName}`,
  };
}

export function resultOf({ status, headers, body }: GateResponse): APIGatewayProxyStructuredResultV2 {
  return { statusCode: status, headers: { ...headers }, body };
}

// Anybody can call this function, so it has no access to a database or an instance, nor code for that.
const callbacks = lazily(() => new SfnCallbacks(new SFNClient()));
const largePages = lazily(() => new S3PageLinks(s3(), requireEnvar(Envar.bucket)));

/** The ports of one page request. Each is created on first use. */
function pagePorts(
  context: Pick<Context, "getRemainingTimeInMillis">,
  progress: (line: string) => void,
): GatePorts {
  return {
    get settings() {
      return settingsOfNone(deployedSettings());
    },
    choice: choiceOfDatabase((settings) => ({ settings })),
    get evidence() {
      return evidenceStore();
    },
    get callbacks() {
      return callbacks();
    },
    get largePages() {
      return largePages();
    },
    clock: lambdaClock(context),
    progress,
  };
}
