import { afterEach, beforeEach, expect, test } from "vitest";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import { EXCEPTIONS, hashEveryType, WITHOUT_LITERALS } from "../support/every-type.ts";
import { onServer, urlOf } from "../support/native.ts";

const NAME = `sluice_test_types_${process.pid}`;
beforeEach(() => onServer((session) => session.exec(`CREATE DATABASE ${NAME}`)));
afterEach(() => onServer((session) => session.exec(`DROP DATABASE ${NAME} WITH (FORCE)`)));

test("values of any type that differ in their binary form or their text have different hashes", async () => {
  const types = await withPgSession({ connectionString: urlOf(NAME) }, hashEveryType);
  const faulty = types.filter(({ type, faults }) => faults.length > 0 && !EXCEPTIONS.includes(type));
  expect(faulty).toEqual([]);
  const plain = types.filter(({ type }) => !type.includes(" of "));
  expect(plain.length).toBeGreaterThan(80);
  expect(plain.filter(({ values }) => values < 3).map(({ type }) => type)).toEqual(WITHOUT_LITERALS);
});
