import type { SequenceDoc } from "../shared/documents.ts";
import type { Session } from "../shared/session.ts";
import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";

/** Those that start over when they have come to their end are left out: a smaller value tells nothing. */
const SEQUENCES = `
SELECT format('%I.%I', schemaname, sequencename) AS sequence, last_value::text AS last, increment_by > 0 AS rises
FROM pg_sequences
WHERE NOT cycle AND ${IS_USERS_SCHEMA("schemaname")}
ORDER BY schemaname COLLATE "C", sequencename COLLATE "C"`;

/** How far every sequence has come that this role may read. */
export function takeSequences(session: Session): Promise<SequenceDoc[]> {
  return session.query<SequenceDoc>(SEQUENCES);
}

/**
 * Those that would give values again that they had given, one readable line each. That one went on is no difference: a
 * migration or a check may have taken values. One that is not there is for the catalog's fingerprint to tell.
 */
export function wentBack(before: readonly SequenceDoc[], after: readonly SequenceDoc[]): string[] {
  const now = new Map(after.map((found) => [found.sequence, found]));
  return before.flatMap(({ sequence, last, rises }) => {
    const is = now.get(sequence);
    if (!is || last === null) return [];
    const ahead = is.last === null ? -1n : (BigInt(is.last) - BigInt(last)) * (rises ? 1n : -1n);
    if (ahead >= 0n) return [];
    return [`${sequence}: had come to ${last}, now ${is.last === null ? "begins anew" : `to ${is.last}`}`];
  });
}
