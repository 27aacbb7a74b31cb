import { earlierThatDiffer, readEarlier } from "../record/growing.ts";
import { largeObjectsThatDiffer, takeLargeObjects } from "../record/large-objects.ts";
import type { GrowingDoc, LargeObjectsDoc, RecordDoc } from "../shared/documents.ts";
import type { Session } from "../shared/session.ts";

/** What is compared beside the tables that are read in full, in part or counted. */
export interface Beside {
  growing: GrowingDoc[];
  /** Of those that were there before; undefined where none were recorded. */
  largeObjects: LargeObjectsDoc | undefined;
}

/** Reads it again, as `before` has it. */
export async function readBeside(session: Session, { growing, largeObjects }: RecordDoc): Promise<Beside> {
  return {
    growing: await readEarlier(session, growing ?? []),
    largeObjects: largeObjects && (await takeLargeObjects(session, largeObjects.oids)),
  };
}

/**
 * What differs, one readable line each.
 * @param mayAdd large objects may have been added: a migration may make some
 */
export function besideThatDiffers(
  before: RecordDoc,
  after: Pick<RecordDoc, "largeObjects">,
  { growing, largeObjects }: Beside,
  mayAdd: boolean,
): string[] {
  const more = BigInt(after.largeObjects?.count ?? "0") - BigInt(largeObjects?.count ?? "0");
  return [
    ...earlierThatDiffer(before.growing ?? [], growing),
    ...(before.largeObjects && largeObjects
      ? largeObjectsThatDiffer(before.largeObjects, largeObjects, mayAdd ? 0 : Number(more))
      : []),
  ];
}
