import { describe, expect, test } from "vitest";
import type { Session } from "../../../lambdas/shared/session.ts";
import { copyByTemplate, FILE_COPY_FROM_BYTES } from "../../../local/copies/template.ts";

/** A server of that version, as the copy queries it; it refuses statements that match. */
function serverOf(version: number, isLarge: boolean, refuses?: RegExp) {
  const sent: string[] = [];
  const session = {
    async query(text: string, params: readonly unknown[]) {
      if (!text.includes("isLarge")) return [{ name: params[0] }];
      expect(params).toEqual(["app", FILE_COPY_FROM_BYTES]);
      return [{ name: "app", owner: "me", isLarge, version }];
    },
    async exec(text: string) {
      sent.push(text);
      if (refuses?.test(text)) throw Object.assign(new Error("could not clone"), { code: "0A000" });
    },
  } as unknown as Session;
  return { session, sent };
}

const create = (strategy: string) => `CREATE DATABASE copy TEMPLATE app OWNER me STRATEGY ${strategy}`;

describe("a copy by template", () => {
  test.each([
    ["a small one goes page by page through the log", 170_000, false, [create("WAL_LOG")]],
    ["a large one goes file by file", 170_000, true, [create("FILE_COPY")]],
    ["a small one on 18 goes page by page too", 180_000, false, [create("WAL_LOG")]],
    [
      "a large one on 18 shares its files",
      180_000,
      true,
      ["SET file_copy_method = clone", create("FILE_COPY")],
    ],
  ])("%s", async (_, version, isLarge, expected) => {
    const { session, sent } = serverOf(version, isLarge);
    await copyByTemplate(session, "app", "copy");
    expect(sent).toEqual(expected);
  });

  test("of many small relations goes through the log, however large they are together", async () => {
    const asked: unknown[] = [];
    const { session } = serverOf(170_000, false);
    const asking = {
      ...session,
      async query(text: string, params: readonly unknown[]) {
        asked.push(params[1]);
        return await session.query(text, ["app", FILE_COPY_FROM_BYTES, ...params.slice(2)]);
      },
    } as Session;
    await copyByTemplate(asking, "app", "copy", 400);
    await copyByTemplate(asking, "app", "copy", 8_400);
    const [few, , many] = asked as number[];
    expect(few).toBeLessThan(70 * 1024 * 1024);
    expect(many).toBeGreaterThan(1024 * 1024 * 1024);
  });

  test("continues without sharing files if the server does not take the setting, or the file system cannot", async () => {
    const unset = serverOf(180_000, true, /^SET/);
    await copyByTemplate(unset.session, "app", "copy");
    expect(unset.sent.slice(-2)).toEqual(["RESET file_copy_method", create("FILE_COPY")]);
    let tries = 0;
    const { session, sent } = serverOf(180_000, true);
    const refusing = {
      ...session,
      async exec(text: string) {
        await session.exec(text);
        if (text.startsWith("CREATE") && ++tries === 1)
          throw Object.assign(new Error("could not clone file"), { code: "0A000" });
      },
    } as Session;
    await copyByTemplate(refusing, "app", "copy");
    expect(sent.slice(1)).toEqual([create("FILE_COPY"), "RESET file_copy_method", create("FILE_COPY")]);
  });
});
