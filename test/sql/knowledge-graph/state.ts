import { takeFingerprint } from "../../../lambdas/proof/catalog.ts";
import { listTables, type TableContent, takeTableContent } from "../../../lambdas/proof/checksums.ts";
import { compareContents } from "../../../lambdas/proof/compare-contents.ts";
import { describeDifference, differences } from "../../../lambdas/proof/difference.ts";
import type { Fingerprint } from "../../../lambdas/shared/documents.ts";
import type { Session } from "../../../lambdas/shared/session.ts";

/** What a rollback must bring back: the catalog, and every row of every table. */
export interface State {
  catalog: Fingerprint;
  contents: TableContent[];
}

export async function takeState(session: Session): Promise<State> {
  const catalog = await takeFingerprint(session);
  const contents: TableContent[] = [];
  for (const { table, columns } of await listTables(session))
    contents.push(await takeTableContent(session, table, columns, "full"));
  return { catalog, contents };
}

/** Returns the differences as readable lines; none if everything is as it was. */
export function changes(before: State, after: State): string[] {
  return [
    ...differences(before.catalog, after.catalog).map(describeDifference),
    ...compareContents(before.contents, after.contents).map(({ text }) => text),
  ];
}
