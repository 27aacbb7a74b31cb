import type { SequenceDoc } from "../shared/documents.ts";
import type { Session } from "../shared/session.ts";
import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";

/**
 * Cyclic sequences are left out: for them a smaller value shows nothing. The end is the sequence's own or that of its
 * column, whichever comes first.
 */
const SEQUENCES = `
SELECT format('%I.%I', schemaname, sequencename) AS sequence, last_value::text AS last, increment_by > 0 AS rises,
       -- If it gave no value since it was set, only the sequence itself shows its position.
       NOT CASE WHEN last_value IS NULL
             THEN has_sequence_privilege(format('%I.%I', schemaname, sequencename), 'SELECT')
                  AND has_schema_privilege(schemaname, 'USAGE')
             ELSE has_sequence_privilege(format('%I.%I', schemaname, sequencename), 'SELECT, USAGE') END AS unread,
       start_value::text AS start, increment_by::text AS step,
       CASE WHEN increment_by > 0 THEN least(max_value, col.most) ELSE greatest(min_value, - col.most) END::text AS end
FROM pg_sequences
LEFT JOIN LATERAL (
  SELECT min(CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 END) AS most
  FROM pg_depend d JOIN pg_attribute a ON (a.attrelid, a.attnum) = (d.refobjid, d.refobjsubid)
  WHERE d.classid = 'pg_class'::regclass AND d.objid = to_regclass(format('%I.%I', schemaname, sequencename))
    AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')) col ON true
WHERE NOT cycle AND ${IS_USERS_SCHEMA("schemaname")}
ORDER BY schemaname COLLATE "C", sequencename COLLATE "C"`;

/** Sequences read in one query. */
const ASKED_TOGETHER = 200;

type Found = Omit<SequenceDoc, "unread"> & { unread: boolean; start: string; step: string };

/** Returns how far each sequence that this role may read has advanced. */
export async function takeSequences(session: Session): Promise<SequenceDoc[]> {
  const found = await session.query<Found>(SEQUENCES);
  const next = await nextValues(
    session,
    found.filter(({ last, unread }) => last === null && !unread),
  );
  return found.map(({ unread, start, step, ...sequence }) => {
    const to = next.get(sequence.sequence);
    // After `setval(..., false)` the sequence has given no value yet, but does not begin at its start.
    const last = to === undefined || to === start ? sequence.last : (BigInt(to) - BigInt(step)).toString();
    return { ...sequence, last, ...(unread ? { unread: true as const } : {}) };
  });
}

/** The next values of sequences that gave none since they were set: pg_sequences does not show them. */
async function nextValues(session: Session, idle: readonly Found[]): Promise<ReadonlyMap<string, string>> {
  const next = new Map<string, string>();
  for (let from = 0; from < idle.length; from += ASKED_TOGETHER) {
    const some = idle.slice(from, from + ASKED_TOGETHER);
    const rows = await session.query<{ place: number; next: string }>(
      some
        .map(
          ({ sequence }, place) =>
            `SELECT ${place} AS place, last_value::text AS next FROM ${sequence} WHERE NOT is_called`,
        )
        .join(" UNION ALL "),
    );
    for (const row of rows) next.set(some[row.place]?.sequence ?? "", row.next);
  }
  return next;
}

/**
 * Sequences that would give earlier values again, one readable line each. Advancing is no difference: a migration or
 * a check may have taken values. The catalog's fingerprint shows a missing sequence.
 */
export function wentBack(before: readonly SequenceDoc[], after: readonly SequenceDoc[]): string[] {
  const now = new Map(after.map((found) => [found.sequence, found]));
  return before.flatMap(({ sequence, last, rises }) => {
    const is = now.get(sequence);
    if (!is || is.unread || last === null) return [];
    const ahead = is.last === null ? -1n : (BigInt(is.last) - BigInt(last)) * (rises ? 1n : -1n);
    if (ahead >= 0n) return [];
    return [`${sequence}: had reached ${last}, now ${is.last === null ? "starts over" : `at ${is.last}`}`];
  });
}

/** More values than migrations and checks take incidentally. */
const MANY = 1_000_000n;

/**
 * Sequences that were set far ahead, one readable line each: no value repeats, but they run out sooner. Far is a
 * million values, or a tenth of those left.
 */
export function ranAhead(before: readonly SequenceDoc[], after: readonly SequenceDoc[]): string[] {
  const now = new Map(after.map((found) => [found.sequence, found]));
  return before.flatMap(({ sequence, last, rises, end }) => {
    const is = now.get(sequence)?.last ?? null;
    if (is === null || end === undefined) return [];
    const sign = rises ? 1n : -1n;
    const was = BigInt(last ?? 0);
    const taken = (BigInt(is) - was) * sign;
    const left = (BigInt(end) - was) * sign;
    if (taken < MANY && taken * 10n < left) return [];
    // A small range that is used normally.
    if (taken < 1000n) return [];
    return [`${sequence}: ${taken} values ahead of ${last ?? "its start"}, ${left - taken} left`];
  });
}
