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

// What SNS accepts, less room for its attributes. A message's last lines lead to the page or the report.
const MOST_BYTES = 250_000;
const LAST_BYTES = 50_000;

/** SNS refuses the whole message where it is too long, and nobody would be told anything. */
function withinLimit(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MOST_BYTES) return text;
  const note =
    "\n\n[The middle is left out here: a message may not be longer. The evidence has all of it.]\n\n";
  const first = bytes.subarray(0, MOST_BYTES - LAST_BYTES - Buffer.byteLength(note));
  // A character that was cut in two is left out.
  const whole = (part: Buffer) => part.toString("utf8").replace(/^\ufffd+|\ufffd+$/g, "");
  return whole(first) + note + whole(bytes.subarray(bytes.length - LAST_BYTES));
}

// SNS refuses the whole message for a subject that is too long or not ASCII; a mended subject tells as much.
function asSubject(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, "?")
    .trim()
    .slice(0, LONGEST_SUBJECT);
}
