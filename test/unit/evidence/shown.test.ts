import { describe, expect, test } from "vitest";
import { gatherFacts } from "../../../lambdas/report/facts.ts";
import { Doc, docName } from "../../../lambdas/shared/documents.ts";
import { takeManifest } from "../../../lambdas/shared/manifest.ts";
import { isSecret, isShown, SECRET_FILES } from "../../../lambdas/shared/sight.ts";
import { rehearsed } from "../../support/evidence-fixtures.ts";

describe("a document's declaration decides who sees it", () => {
  test.each([Doc.gateToken("rehearsal", 1), Doc.gateToken("after-006", 12)])("%s is secret", (name) => {
    expect(isSecret(`${name}.json`)).toBe(true);
    expect(isShown(name)).toBe(false);
  });

  test("a name like a token's is secret too, without an attempt's number", () => {
    expect(isSecret("gates/other/token.json")).toBe(true);
    expect(SECRET_FILES).toEqual(["gates/*/token.json"]);
  });

  test.each([Doc.gate("rehearsal", 1), Doc.gateWithheld("open", 2), Doc.record("before"), Doc.outcome])(
    "%s may be shown",
    (name) => {
      expect(isShown(name)).toBe(true);
      expect(isSecret(`${name}.json`)).toBe(false);
    },
  );

  test.each([Doc.catalog("ab12"), Doc.reportLink("ab12"), Doc.gateApproval("open", 1, 2)])(
    "%s is not shown, as its declaration does not allow it",
    (name) => expect(isShown(name)).toBe(false),
  );

  test.each(["undeclared", "gates/open-1/undeclared", "records/before/undeclared", "gates/open-1/token/x"])(
    "%s is not shown, as nothing declares it",
    (name) => expect(isShown(name)).toBe(false),
  );
});

test("a report reads no secret and no undeclared document", async () => {
  const { evidence } = await rehearsed();
  await evidence.createOnce(docName("undeclared"), { at: "2999-01-01T00:00:00.000Z" });
  const read: string[] = [];
  const { asOf } = await gatherFacts({
    ...evidence,
    read: (name) => {
      read.push(name);
      return evidence.read(name);
    },
  });
  expect(read).toContain(Doc.gate("readiness", 1));
  expect(read.filter((name) => name === "undeclared" || isSecret(`${name}.json`))).toEqual([]);
  expect(asOf < "2999").toBe(true);
});

test("a manifest reads no secret, but covers a document that nothing declares", async () => {
  const { evidence } = await rehearsed();
  await evidence.createOnce(docName("undeclared"), {});
  const names = await evidence.files();
  const secrets = names.filter(isSecret);
  const read: string[] = [];
  const { files } = await takeManifest(
    {
      ...evidence,
      readFile: (name) => {
        read.push(name);
        return evidence.readFile(name);
      },
    },
    names.filter((name) => !name.startsWith("chain/")),
    "2026-11-03T02:00:00.000Z",
    [],
  );
  expect(secrets).not.toEqual([]);
  expect(read.filter(isSecret)).toEqual([]);
  expect(files.map(({ name }) => name)).toContain("undeclared.json");
});
