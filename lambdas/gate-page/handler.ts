import type { APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { answer, broken, notARequest } from "./answer.ts";
import { requestOf, resultOf } from "./api-gateway.ts";
import { pagePorts } from "./ports.ts";

/** Answers whatever it is called with: no event makes it fail. */
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
