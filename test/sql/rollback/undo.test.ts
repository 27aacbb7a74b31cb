import { describe, expect, test } from "vitest";
import { takeFingerprint } from "../../../lambdas/proof/catalog.ts";
import { describeDifference, differences } from "../../../lambdas/proof/difference.ts";
import { takeCatalog } from "../../../local/rollback/catalog.ts";
import { underFormerNames } from "../../../local/rollback/renames.ts";
import { undo } from "../../../local/rollback/undo.ts";
import { useEmbedded } from "../../support/embedded.ts";
import { CHANGES, SHOP } from "../fingerprint-cases.ts";

const session = useEmbedded(SHOP);

/** What no statement brings back, and why. */
const BEYOND: Readonly<Record<string, string>> = {
  "the order of columns in a table that was made again": "a column can only be added as the last one",
  "an extension's version": "most extensions have no way to an older version",
  "a role of the server's own that is made a member": "roles of the system are the provider's",
  "a comment on the language that comes with the server": "members of extensions stand with their extension",
};

test("each change that cannot be undone is one that is tried", () => {
  expect(CHANGES.map(({ what }) => what)).toEqual(expect.arrayContaining(Object.keys(BEYOND)));
});

describe("a change of the catalog is undone by what is written for it:", () => {
  test.each(CHANGES.filter(({ what }) => BEYOND[what] === undefined))(
    "$what",
    async ({ change, undo: byHand }) => {
      const before = await takeFingerprint(session);
      const was = await takeCatalog(session);
      await session.exec(change);
      const { statements, catalog } = await underFormerNames(session, was);
      const written = [...statements, ...undo(was, [catalog]).statements];
      const undoneByThem = async () => {
        // Twice: the second time there is nothing left to undo.
        for (const statement of [...written, ...written]) await session.exec(statement);
        return differences(before, await takeFingerprint(session)).map(describeDifference);
      };
      const found = await undoneByThem().catch((error: Error) => [error.message]);
      // The next change begins where this one did.
      if (found.length > 0) await session.exec(byHand).catch(() => undefined);
      expect(found, written.join(";\n")).toEqual([]);
    },
  );
});
