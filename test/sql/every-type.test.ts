import { expect, test } from "vitest";
import { useEmbedded } from "../support/embedded.ts";
import { EXCEPTIONS, hashEveryType, WITHOUT_LITERALS } from "../support/every-type.ts";

const session = useEmbedded();

test("values of any type that differ in their binary form or their text have different hashes", async () => {
  const types = await hashEveryType(session);
  const faulty = types.filter(({ type, faults }) => faults.length > 0 && !EXCEPTIONS.includes(type));
  expect(faulty).toEqual([]);
  const plain = types.filter(({ type }) => !type.includes(" of "));
  expect(plain.length).toBeGreaterThan(80);
  expect(plain.filter(({ values }) => values < 3).map(({ type }) => type)).toEqual(WITHOUT_LITERALS);
});
