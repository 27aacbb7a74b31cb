import { describe, expect, test } from "vitest";
import { describeDifference, differences } from "../../../lambdas/prove/difference.ts";
import { takeFingerprint } from "../../../lambdas/prove/fingerprint.ts";
import { takeCatalog } from "../../../local/rollback/catalog.ts";
import { underFormerNames } from "../../../local/rollback/renames.ts";
import { undo } from "../../../local/rollback/undo.ts";
import { useEmbedded } from "../../support/embedded.ts";
import { CHANGES, SHOP } from "../fingerprint-cases.ts";

const session = useEmbedded(SHOP);

describe("a change of the catalog is undone by what is written for it:", () => {
  test.each(CHANGES)("$what", async ({ change, undo: byHand }) => {
    const before = await takeFingerprint(session);
    const was = await takeCatalog(session);
    await session.exec(change);
    const { statements, catalog } = await underFormerNames(session, was);
    const written = [...statements, ...undo(was, [catalog]).statements];
    let failed: string | undefined;
    try {
      // Twice: the second time there is nothing left to undo.
      for (const statement of [...written, ...written])
        await session.exec(statement).catch((error: Error) => {
          failed = `${error.message}\n${statement}`;
          throw error;
        });
      expect(differences(before, await takeFingerprint(session)).map(describeDifference)).toEqual([]);
    } catch (error) {
      await session.exec(byHand).catch(() => undefined);
      throw failed
        ? new Error(`${failed}\nof:\n${written.join(";\n")}`)
        : new Error(`${error}\n${written.join(";\n")}`);
    }
  });
});
