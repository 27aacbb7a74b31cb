import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type { GateRequest, GateResponse } from "./request.ts";

/** The request in an event of an HTTP API, payload format 2.0. */
export function requestOf(event: APIGatewayProxyEventV2): GateRequest {
  const { requestContext: context, body = "" } = event;
  return {
    method: context.http.method,
    path: event.rawPath,
    query: event.rawQueryString,
    headers: event.headers,
    body: event.isBase64Encoded ? Buffer.from(body, "base64").toString("utf8") : body,
    from: context.http.sourceIp,
    // Not from the settings: they would make the API and this function need each other at deployment.
    origin: `https://${context.domainName}`,
  };
}

export function resultOf({ status, headers, body }: GateResponse): APIGatewayProxyStructuredResultV2 {
  return { statusCode: status, headers: { ...headers }, body };
}
