import { describe, expect, test } from "vitest";
import { NotAsked } from "../../../lambdas/shared/errors.ts";
import type { Http } from "../../../lambdas/shared/ports.ts";
import { StandInHttp } from "../../../local/stand-in-http.ts";

const asked: string[] = [];
const http: Http = {
  async request(_method, url) {
    asked.push(url);
    return { status: 200, body: "ok" };
  },
};
const get = (standIn: string | undefined, url: string) =>
  new StandInHttp(http, standIn).request("GET", url, {}, undefined, 1000);

describe("a rehearsal", () => {
  test("calls the application that stands in for the real one", async () => {
    expect(await get("http://127.0.0.1:4000", "http://127.0.0.1:4000/health")).toMatchObject({ status: 200 });
    expect(asked).toEqual(["http://127.0.0.1:4000/health"]);
  });

  test.each([
    ["http://127.0.0.1:4000", "https://app.example.com/admin/stop"],
    ["http://127.0.0.1:4000", "http://127.0.0.1:40001/admin/stop"],
    ["http://127.0.0.1:4000", "http://127.0.0.1:4000@app.example.com/admin/stop"],
    [undefined, "https://app.example.com/admin/stop"],
  ])("with %s does not call %s", async (standIn, url) => {
    asked.length = 0;
    await expect(get(standIn, url)).rejects.toThrow(NotAsked);
    expect(asked).toEqual([]);
  });
});
