import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { awsPorts } from "../shared/aws/ports.ts";
import { answer } from "./answer.ts";
import { requestOf, resultOf } from "./api-gateway.ts";

export async function handler(
  event: APIGatewayProxyEventV2,
  context: Context,
): Promise<APIGatewayProxyStructuredResultV2> {
  return resultOf(
    await answer(
      requestOf(event),
      awsPorts(context, (line) => console.error(line)),
    ),
  );
}
