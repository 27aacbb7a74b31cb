import { type EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import type { Announcement, Announcer } from "../ports.ts";

/** What rules select by. The function's policy allows no other source. */
export const EVENT_SOURCE = "sluice";

/**
 * Settings of the client. A network may have no way to EventBridge, or one that answers nothing: who only listens must
 * not hold up a gate. Without `throwOnRequestTimeout` the client would warn at the end of its time, and wait on.
 */
export const PATIENCE = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
};

/** Events on the account's default bus. */
export class EventBridgeAnnouncer implements Announcer {
  private readonly client: EventBridgeClient;

  constructor(client: EventBridgeClient) {
    this.client = client;
  }

  async announce({ type, detail }: Announcement): Promise<void> {
    const { Entries = [] } = await this.client.send(
      new PutEventsCommand({
        Entries: [{ Source: EVENT_SOURCE, DetailType: type, Detail: JSON.stringify(detail) }],
      }),
    );
    // The call succeeds also where the event was not taken.
    const failed = Entries.find(({ ErrorCode }) => ErrorCode !== undefined);
    if (failed) throw new Error(`EventBridge did not take the event: ${failed.ErrorCode}`);
  }
}
