import { expect, test, vi } from "vitest";

const compared = vi.hoisted(() => ({ lengths: [] as [number, number][] }));
vi.mock("node:crypto", async (original) => {
  const crypto = await original<typeof import("node:crypto")>();
  return {
    ...crypto,
    timingSafeEqual: (a: Buffer, b: Buffer) => {
      compared.lengths.push([a.length, b.length]);
      return crypto.timingSafeEqual(a, b);
    },
  };
});

const { keyMatches, newKey } = await import("../../../lambdas/gate/link.ts");

test("a key opens its own lock and no other", () => {
  const [one, other] = [newKey(), newKey()];
  expect(keyMatches(one.key, one.hash)).toBe(true);
  expect(keyMatches(other.key, one.hash)).toBe(false);
  expect(keyMatches(one.hash, one.hash)).toBe(false);
});

test("comparing keys takes a time that reveals nothing, whatever the length of the guess", () => {
  const { key, hash } = newKey();
  compared.lengths = [];
  for (const tried of ["", "x", key.slice(0, -1), `${key}x`, key, "x".repeat(10_000)])
    keyMatches(tried, hash);
  expect(compared.lengths).toEqual(Array.from({ length: 6 }, () => [32, 32]));
});

test("nothing opens a lock that is broken", () => {
  for (const hash of ["", "x", "00", newKey().hash.slice(2)]) {
    expect(keyMatches("", hash)).toBe(false);
    expect(keyMatches(newKey().key, hash)).toBe(false);
  }
});
