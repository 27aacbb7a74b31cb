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
        Message: withinLimit(text),
        ...(to === undefined
          ? {}
          : { MessageAttributes: { [FOR_ONE]: { DataType: "String", StringValue: to } } }),
      }),
    );
  }
}

// SNS's limit, less room for attributes. A message's last lines hold the link to the page or the report, so they stay.
const MOST_BYTES = 250_000;
const LAST_BYTES = 50_000;

/** Shortens a message that SNS would refuse as too long: then nobody would receive anything. */
function withinLimit(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MOST_BYTES) return text;
  const note =
    "\n\n[The middle of this message is left out, as it is too long. The evidence has the full text.]\n\n";
  const first = bytes.subarray(0, MOST_BYTES - LAST_BYTES - Buffer.byteLength(note));
  // Drop a character that was cut in two.
  const whole = (part: Buffer) => part.toString("utf8").replace(/^\ufffd+|\ufffd+$/g, "");
  return whole(first) + note + whole(bytes.subarray(bytes.length - LAST_BYTES));
}

// SNS refuses the whole message for a subject that is too long or not ASCII. A repaired subject still identifies it.
function asSubject(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, "?")
    .trim()
    .slice(0, LONGEST_SUBJECT);
}
