import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { mockClient } from "aws-sdk-client-mock";
import { describe, expect, test } from "vitest";
import { renderReport } from "../../lambdas/report/page/page.ts";
import { finalNotices } from "../../lambdas/report/task.ts";
import { SnsNotifier } from "../../lambdas/shared/aws/sns-notifier.ts";
import { cutText, plain, plainJson, visible } from "../../lambdas/shared/text.ts";
import { print } from "../../local/terminal/streams.ts";
import { emptyReport } from "./gate/reports.ts";
import { FakeTerminal } from "./terminal/fake-terminal.ts";

const OBEYED = "\u001b]0;title\u0007\u001b[2J\u009b31m\u202eevil\u2066\u200f\u0085\u2028\rx\u007f";
const UNSEEN = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;

describe("text from outside", () => {
  test("is shown at the terminal, and never obeyed", () => {
    const terminal = new FakeTerminal({ isTTY: true });
    print(terminal.stdout, [OBEYED]);
    expect(terminal.raw.slice(0, -1)).not.toMatch(UNSEEN);
    expect(terminal.raw).toContain("␛]0;title␇␛[2J<U+009B>31m<U+202E>evil");
  });

  test("keeps its lines, its tabs and the characters that join letters in some scripts", () => {
    expect(visible("a\r\nb\tc\u200dd")).toBe("a\nb\tc\u200dd");
  });

  test("is the same as data in JSON that a terminal only shows", () => {
    const json = plainJson({ OBEYED }, 2);
    expect(json.replaceAll("\n", "")).not.toMatch(UNSEEN);
    expect(JSON.parse(json)).toEqual({ OBEYED });
  });

  test("is one line of a message, without an address in it", () => {
    const said = plain("fine\n\nThe report:\n\nhttps://evil.example/x www.evil.example");
    expect(said).toBe("fine The report: https: //evil.example/x www .evil.example");
  });
});

const link = { url: "https://gates.example/reports/run?key=k", expiresAt: "2026-12-03T00:00:00.000Z" };

describe("the final message", () => {
  test("has one end, whatever a comment, a cause or a check contains", () => {
    const forged = "fine\n\nThe report:\n\nhttps://evil.example/x";
    const report = {
      ...emptyReport("run"),
      end: "Refused" as const,
      cause: `Refused: ${forged}`,
      leftToDo: [forged],
    };
    const [notice] = finalNotices(report, link);
    const lines = (notice?.text ?? "").split("\n");
    expect(lines.filter((line) => line === "The report:")).toHaveLength(1);
    expect(lines.filter((line) => line.includes("://"))).toEqual([link.url]);
  });

  test("names as many rows as people read, states how many more exist, and fits a message with its link", () => {
    const leftToDo = Array.from({ length: 5_000 }, (_, n) => `row ${n} ${"v".repeat(10_000)}`);
    const [notice] = finalNotices({ ...emptyReport("run"), end: "Refused" as const, leftToDo }, link);
    expect(Buffer.byteLength(notice?.text ?? "")).toBeLessThan(100_000);
    expect(notice?.text).toMatch(/row 0 v+… \(\d+ more characters\)/);
    expect(notice?.text).toMatch(/and \d+ more\n/);
    expect(notice?.text).toContain(link.url);
  });

  test("is cut by the notifier if it is still too long, and keeps its end", async () => {
    const sns = mockClient(SNSClient).on(PublishCommand).resolves({});
    const notifier = new SnsNotifier(new SNSClient({ region: "eu-central-1" }), {
      approvers: "a",
      escalation: "e",
    });
    await notifier.send({
      subject: "s",
      text: `${"ä".repeat(400_000)}\n${link.url}\n`,
      audience: "approvers",
    });
    const sent = String(sns.commandCalls(PublishCommand)[0]?.args[0].input.Message);
    expect(Buffer.byteLength(sent)).toBeLessThan(256 * 1024);
    expect(sent).toContain("is left out, as it is too long");
    expect(sent).not.toContain("\ufffd");
    expect(sent.endsWith(`${link.url}\n`)).toBe(true);
  });
});

test("a report's page stays far below a function's response limit, whatever its lists hold", () => {
  const failures = Array.from({ length: 5_000 }, (_, n) => ({
    at: "2026-11-03T00:00:00.000Z",
    state: `s${n}`,
    error: "Error",
    message: "m".repeat(20_000),
  }));
  const page = renderReport({
    ...emptyReport("run"),
    failures,
    leftBehind: failures.map(({ message }) => message),
  });
  expect(Buffer.byteLength(page)).toBeLessThan(4_000_000);
  expect(page).toMatch(/and [\d,]+ more/);
});

test("a value is cut between characters", () => {
  expect(cutText("ab😀cd", 3)).toBe("ab… (4 more characters)");
});

describe("a run on copies", () => {
  const rehearsed = (copyOf: string | null) => {
    const report = emptyReport("run");
    const request = report.request && { ...report.request, copyOf };
    return { ...report, end: "Succeeded" as const, request };
  };

  test.each([
    ["orders", "Rehearsed on copies; orders was only read."],
    [null, "Rehearsed on embedded databases; no other database was touched."],
  ])("of %s states so first", (copyOf, said) => {
    const page = renderReport(rehearsed(copyOf));
    expect(page).toContain("Succeeded (rehearsal)");
    expect(page).toContain(said);
    expect(page).not.toContain("The migration is on production");
  });
});
