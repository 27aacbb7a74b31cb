import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { expect, onTestFinished, test } from "vitest";
import { EventBridgeAnnouncer, PATIENCE } from "../../../lambdas/shared/aws/events.ts";

test("an endpoint that accepts the call and never answers is given up", async () => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const client = new EventBridgeClient({
    ...PATIENCE,
    // As deployed, with a shorter limit.
    requestHandler: { ...PATIENCE.requestHandler, requestTimeout: 50 },
    region: "eu-central-1",
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: "x", secretAccessKey: "x" },
  });
  await expect(
    new EventBridgeAnnouncer(client).announce({ type: "Gate Opened", detail: {} }),
  ).rejects.toMatchObject({ name: "TimeoutError" });
});
