import type { OutsideStep, TransactionStep } from "../shared/plan.ts";
import { jsonLiteral, literal, relationName } from "../shared/sql-text.ts";
import { IS_USERS_SCHEMA, LEDGER_SCHEMA } from "../shared/user-objects.ts";
import { isStep, type StepPlace } from "./ledger-writes.ts";

// A table that is written anew gets another file. Which file each had before, the transaction itself remembers, so that
// it is known also when nobody is there any more.

const FILES = `${LEDGER_SCHEMA}.files`;

/** Of every table there is, as a setting of the transaction; one row comes back, and a small one. */
export const REMEMBER_FILES = `SELECT count(set_config('${FILES}',
    (SELECT coalesce(jsonb_object_agg(c.oid::text, pg_relation_filenode(c.oid)), '{}')::text
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND ${IS_USERS_SCHEMA("n.nspname")}), true))`;

/**
 * Notes the tables that have another file by now. Not among them: those with nothing in them, which takes no time, or
 * is TRUNCATE; those that the step empties and fills; and those that the same file has made.
 */
export function noteRewrites(place: StepPlace & { step: TransactionStep }): string {
  const names = (place.step.notRewritten ?? []).map((name) => `to_regclass(${literal(relationName(name))})`);
  const except = `unnest(ARRAY[${names.join(", ")}]::regclass[]) AS named (oid)`;
  return `UPDATE ${LEDGER_SCHEMA}.step SET rewrites = (
      SELECT coalesce(jsonb_agg(format('%I.%I', n.nspname, c.relname) ORDER BY n.nspname, c.relname), '[]')
        FROM jsonb_each_text(nullif(current_setting('${FILES}', true), '')::jsonb) AS former (oid, file)
             JOIN pg_class c ON c.oid = former.oid::oid JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE pg_relation_filenode(c.oid) <> former.file::oid AND pg_relation_size(c.oid) > 0
         AND c.oid NOT IN (SELECT oid FROM ${except} WHERE oid IS NOT NULL
                           UNION ALL SELECT relid FROM ${except}, pg_partition_tree(named.oid) WHERE relid IS NOT NULL))
    WHERE ${isStep(place)}`;
}

/** Outside a transaction only VACUUM FULL rewrites, and it names its tables. */
export function noteVacuumed(place: StepPlace & { step: OutsideStep }): string {
  const names = (place.step.relations ?? []).map(({ schema, name }) => `${schema ?? "public"}.${name}`);
  return `UPDATE ${LEDGER_SCHEMA}.step SET rewrites = ${jsonLiteral(names)} WHERE ${isStep(place)}`;
}
