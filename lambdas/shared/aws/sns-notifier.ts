import { PublishCommand, type SNSClient } from "@aws-sdk/client-sns";
import { FOR_ONE } from "../names.ts";
import type { Notice, Notifier } from "../ports.ts";

const LONGEST_SUBJECT = 100;

/** Messages by SNS: one topic for each audience. */
export class SnsNotifier implements Notifier {
  private readonly client: SNSClient;
  private readonly topics: Readonly<Record<Notice["audience"], string>>;

  constructor(client: SNSClient, topics: Readonly<Record<Notice["audience"], string>>) {
    this.client = client;
    this.topics = topics;
  }

  async send({ subject, text, audience, to }: Notice): Promise<void> {
    await this.client.send(
      new PublishCommand({
        TopicArn: this.topics[audience],
        Subject: asSubject(subject),
        Message: text,
        ...(to === undefined
          ? {}
          : { MessageAttributes: { [FOR_ONE]: { DataType: "String", StringValue: to } } }),
      }),
    );
  }
}

// SNS refuses the whole message for a subject that is too long or not ASCII; a mended subject tells as much.
function asSubject(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, "?")
    .trim()
    .slice(0, LONGEST_SUBJECT);
}
