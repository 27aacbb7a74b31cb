import { createServer } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { ConfirmSubscriptionCommand, type SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { eventually } from "./command.ts";

export interface Message {
  topic: string;
  subject: string;
  text: string;
}

interface Page {
  status: number;
  body: string;
}

/** The approvers and other recipients: they get the messages, open the links, and answer by the pages' forms. */
export class People {
  /** Everything that was published, in order. */
  readonly messages: Message[] = [];
  private readonly ca: Buffer;
  private readonly sns: SNSClient;
  private readonly server = createServer((asked, reply) => {
    let body = "";
    asked.on("data", (chunk) => {
      body += chunk;
    });
    asked.on("end", () => {
      reply.end();
      this.hear(JSON.parse(body));
    });
  });

  constructor(sns: SNSClient, ca: Buffer) {
    this.sns = sns;
    this.ca = ca;
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    const { port } = this.server.address() as AddressInfo;
    const Endpoint = `http://127.0.0.1:${port}/`;
    for (const TopicArn of topics)
      await this.sns.send(new SubscribeCommand({ TopicArn, Protocol: "http", Endpoint }));
    const confirmed = () => this.confirmed === topics.length;
    await eventually(async () => confirmed(), "the subscriptions to be confirmed");
  }

  private confirmed = 0;

  private hear({ Type, TopicArn, Token, Subject, Message }: Record<string, string>): void {
    if (Type === "Notification")
      this.messages.push({ topic: TopicArn ?? "", subject: Subject ?? "", text: Message ?? "" });
    else
      void this.sns.send(new ConfirmSubscriptionCommand({ TopicArn, Token })).then(() => {
        this.confirmed++;
      });
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** The links of that run's gates so far, in the order in which they came. */
  linksOf(run: string): { gate: string; link: string }[] {
    return this.messages.flatMap(({ text }) => {
      const link = text.match(/https:\/\/\S+/)?.[0];
      const [, of, gate] = /\/gates\/([^/]+)\/([^/]+)\/\d+\?key=/.exec(link ?? "") ?? [];
      return link !== undefined && of === encodeURIComponent(run) && gate !== undefined
        ? [{ gate, link }]
        : [];
    });
  }

  /** Opens the link, ticks every point, types the database's name, and sends the form. */
  async decide(link: string, decision: "Go" | "NoGo", by: string, instance: string): Promise<Page> {
    const page = await this.open(link);
    if (page.status !== 200) throw new Error(`The page answers ${page.status}: ${page.body.slice(0, 500)}`);
    const hidden = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(page.body)?.[1] ?? "";
    const form = new URLSearchParams({
      key: new URL(link).searchParams.get("key") ?? "",
      shown: hidden("shown"),
      decision,
      by,
      comment: decision === "Go" ? "" : "the test wants it",
    });
    if (decision === "Go") {
      form.set("instance", instance);
      for (const [, at] of page.body.matchAll(/name="tick" value="(\d+)"/g)) form.append("tick", at ?? "");
    }
    return await this.open(link, form.toString());
  }

  /** GET, or POST where there is a form. */
  open(link: string, form?: string): Promise<Page> {
    const url = new URL(link);
    return new Promise((resolve, reject) => {
      const asked = request(
        url,
        {
          method: form === undefined ? "GET" : "POST",
          ca: this.ca,
          // The name has no domain, but the certificate must be valid for it.
          lookup: (_name, options, found) =>
            options.all ? found(null, [{ address: "127.0.0.1", family: 4 }]) : found(null, "127.0.0.1", 4),
          headers: form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" },
        },
        (answer) => {
          let body = "";
          answer.on("data", (chunk) => {
            body += chunk;
          });
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
        },
      );
      asked.on("error", reject);
      asked.end(form);
    });
  }
}
