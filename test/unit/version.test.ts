import { describe, expect, test } from "vitest";
import { GATE_NAME, gateAddress, gateLink } from "../../lambdas/gate/link.ts";
import { AS_NUMBER, AS_TEXT, firstOutOfOrder, newest, whyNoVersion } from "../../lambdas/shared/version.ts";
import { stagingProof } from "../../lambdas/validate/mistakes.ts";

const OLDER_TO_NEWER = [
  ["9", "10"],
  ["1.2", "1.10"],
  ["1.9", "1.10"],
  ["1", "1.1"],
  ["69.1", "69.2"],
  ["9", "20260128115414000001"],
  ["20260128115414000001", "20260128115414000002"],
  ["2026-01-28-115414", "2026-01-28-115415"],
  ["2026-01-28-115414", "2026-02-01-000000"],
  ["V1.9", "V1.10"],
  ["005_zebra", "006_ant"],
  ["1_9", "1_10"],
] as const;

describe("versions in text", () => {
  test.each(OLDER_TO_NEWER)("%s is older than %s", (older, newer) => {
    expect(AS_TEXT.compare(older, newer)).toBeLessThan(0);
    expect(AS_TEXT.compare(newer, older)).toBeGreaterThan(0);
    expect(AS_TEXT.same(older, newer)).toBe(false);
  });

  test("stand for themselves: 001 is not 1, and neither is newer", () => {
    expect(AS_TEXT.same("001", "1")).toBe(false);
    expect(AS_TEXT.compare("001", "1")).toBe(0);
    expect(newest(AS_TEXT, ["001", "1"])).toBeUndefined();
    expect(newest(AS_TEXT, ["001", "1", "2"])).toBe("2");
  });

  test.each(["ae1027a6acf", "1027a6acf", "1.0-rc1", "users"])("%s has no order by itself", (version) => {
    expect(AS_TEXT.compare(version, "1")).toBeUndefined();
    expect(newest(AS_TEXT, ["1", version])).toBeUndefined();
    expect(newest(AS_TEXT, [version])).toBe(version);
  });

  test("of 20 digits that differ in the last do not collide", () => {
    expect(AS_TEXT.same("20260128115414000001", "20260128115414000002")).toBe(false);
    expect(AS_NUMBER.same("20260128115414000001", "20260128115414000002")).toBe(false);
    expect(AS_NUMBER.compare("20260128115414000001", "20260128115414000002")).toBeLessThan(0);
  });
});

describe("versions in numbers", () => {
  test.each([
    ["001", "1"],
    ["1.10", "1.1"],
    ["6", "6.0"],
  ])("%s is %s", (one, other) => {
    expect(AS_NUMBER.same(one, other)).toBe(true);
    expect(AS_NUMBER.compare(one, other)).toBe(0);
  });

  test.each([
    ["1.10", "1.9"],
    ["-1", "0"],
    ["-2", "-1"],
    ["69", "69.1"],
  ])("%s is older than %s", (older, newer) => {
    expect(AS_NUMBER.compare(older, newer)).toBeLessThan(0);
    expect(newest(AS_NUMBER, [newer, older])).toBe(newer);
  });

  test("a text without a number equals only itself", () => {
    expect(AS_NUMBER.same("ae1027a6acf", "ae1027a6acf")).toBe(true);
    expect(AS_NUMBER.same("ae1027a6acf", "6")).toBe(false);
  });
});

test("a plan's versions rise if their digits give the order, and keep the listed order if any has none", () => {
  expect(firstOutOfOrder(AS_TEXT, ["1.9", "1.10", "2"])).toBeUndefined();
  expect(firstOutOfOrder(AS_TEXT, ["1.10", "1.9"])).toBe(1);
  expect(firstOutOfOrder(AS_TEXT, ["1", "001", "2"])).toBeUndefined();
  expect(firstOutOfOrder(AS_TEXT, ["7381925", "ae1027a6acf", "1027"])).toBeUndefined();
});

test.each([
  "006",
  "69.1",
  "2026-01-28-115414",
  "ae1027a6acf",
  "V1.0-rc1",
  "add_users",
  "20260128115414000001",
])("%s is a version, also in the gate's link and in the names of evidence", (version) => {
  expect(whyNoVersion(version)).toBeUndefined();
  const address = { run: "r-1", gate: `after-${version}`, attempt: 1 };
  expect(gateAddress(new URL(gateLink("https://x.test", address, "k")).pathname)).toEqual(address);
  expect(stagingProof(`staging-${version}`)).toEqual({ version, again: false });
  expect(stagingProof(`staging-${version}-again`)).toEqual({ version, again: true });
});

test.each([
  "",
  "1..2",
  ".1",
  "1.",
  "../1",
  "1/2",
  "a b",
  "1\n",
  "é1",
  "none",
  "None",
  "1-again",
  "1-first-step",
])("%j is none", (text) => {
  expect(whyNoVersion(text)).toBeDefined();
});

test.each(["after-1..2", "after-../x", "after-", "after-a/b", "Open"])("%s is no gate's name", (name) => {
  expect(GATE_NAME.test(name)).toBe(false);
});
