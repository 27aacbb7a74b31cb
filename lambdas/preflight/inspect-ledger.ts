import { claimInWords, hasLedger, LEDGER_TABLES, othersClaim } from "../ledger/ledger.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import type { PreflightCheck } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { literal } from "../shared/sql-text.ts";
import { LEDGER_SCHEMA } from "../shared/user-objects.ts";
import { AS_TEXT, type VersionOrder } from "../shared/version.ts";
import { versionTable } from "../version-table/plain.ts";
import { inspected } from "./inspected.ts";

interface Row {
  run: string;
  version: string;
  checksum: string;
  startedAt: Date;
  doneAt: Date | null;
}

/** Finds what earlier runs left in the ledger that blocks this run. */
export async function inspectLedger(
  session: Session,
  plan: CompiledPlan,
  { run, execution }: { run: string; execution: string },
): Promise<PreflightCheck[]> {
  const schema = await inspected("ledger", () => ledgerSchema(session));
  // Another schema of this name cannot be read as a ledger.
  if (schema.some(({ passed }) => passed === false)) return schema;
  return [
    ...(await inspected("other runs", () => otherRuns(session, run, execution))),
    ...(await inspected("ledger", () => ledger(session, plan, run))),
  ];
}

/** No proof covers the ledger's schema, so it must hold nothing else. */
async function ledgerSchema(session: Session): Promise<PreflightCheck> {
  const check = {
    name: "ledger",
    expected: `a schema ${LEDGER_SCHEMA} that holds only Sluice's ledger, or none`,
    mend: `Sluice keeps its ledger in the schema ${LEDGER_SCHEMA} and proves nothing that is in it. Rename a schema of your own (ALTER SCHEMA ${LEDGER_SCHEMA} RENAME TO ...), move other objects elsewhere, and drop what an older version of Sluice left.`,
  };
  const theirs = await hasLedger(session).catch((error: unknown) => {
    if (error instanceof SluiceError && error.name === ErrorName.StepFailed) return "not ours" as const;
    throw error;
  });
  if (theirs === "not ours")
    return { ...check, passed: false, seen: "a schema that is not the ledger of this version of Sluice" };
  const others = theirs ? await session.query<{ name: string }>(IN_LEDGER_SCHEMA, [LEDGER_TABLES]) : [];
  return {
    ...check,
    passed: others.length === 0,
    seen:
      others.length === 0
        ? "as expected"
        : `the schema also holds: ${others.map(({ name }) => name).join(", ")}`,
  };
}

const IN_LEDGER_SCHEMA = `
SELECT pg_describe_object(classid, objid, 0) AS name FROM (
  SELECT 'pg_class'::regclass AS classid, c.oid AS objid FROM pg_class c
   WHERE c.relnamespace = '${LEDGER_SCHEMA}'::regnamespace AND c.relkind NOT IN ('i', 'I') AND c.relname <> ALL ($1)
  UNION ALL
  SELECT 'pg_proc'::regclass, p.oid FROM pg_proc p WHERE p.pronamespace = '${LEDGER_SCHEMA}'::regnamespace
  UNION ALL
  SELECT 'pg_type'::regclass, t.oid FROM pg_type t
   WHERE t.typnamespace = '${LEDGER_SCHEMA}'::regnamespace AND t.typtype IN ('e', 'd', 'r')
) object ORDER BY name LIMIT 5`;

async function otherRuns(session: Session, run: string, execution: string): Promise<PreflightCheck> {
  const claim = await othersClaim(session, run, execution);
  return {
    name: "other runs",
    passed: claim === undefined,
    expected: "none at work on this database",
    seen: claim ? claimInWords(claim) : "none",
    mend: "Wait until it ends: one run at a time works on a database.",
  };
}

async function ledger(session: Session, plan: CompiledPlan, run: string): Promise<PreflightCheck> {
  const rows = (await hasLedger(session)) ? await standing(session, run) : [];
  const order = rows.length === 0 || !plan.schema ? AS_TEXT : await orderIn(session, plan.schema.table);
  const inTheWay = rows.filter((row) => problemOf(row, plan, order).length > 0);
  const problems = inTheWay.flatMap((row) => problemOf(row, plan, order));
  return {
    name: "ledger",
    passed: problems.length === 0,
    expected: "no migration of this plan applied, and none of any plan half applied",
    seen: problems.length === 0 ? "as expected" : problems.join("; "),
    mend: `Roll back half-applied migrations first, as docs/operator-runbook.md describes under "NeedsOperator"${noteRolledBack(inTheWay)}. Remove applied migrations from the plan, and do not edit their files: write a new migration.`,
  };
}

/** SQL that records in the ledger what a person rolled back by hand. */
function noteRolledBack(rows: readonly Row[]): string {
  if (rows.length === 0) return "";
  const these = rows.map(({ run, version }) => `(${literal(run)}, ${literal(version)})`).join(", ");
  return `; after a rollback by hand: UPDATE ${LEDGER_SCHEMA}.migration SET rolled_back_at = now() WHERE rolled_back_at IS NULL AND (run, version) IN (${these})`;
}

/** Migrations that other runs have begun and not rolled back; the newest row of each version. */
async function standing(session: Session, run: string): Promise<Row[]> {
  return await session.query<Row>(
    `SELECT DISTINCT ON (version) run, version, checksum, started_at AS "startedAt", done_at AS "doneAt"
       FROM ${LEDGER_SCHEMA}.migration WHERE rolled_back_at IS NULL AND run <> $1
      ORDER BY version, started_at DESC`,
    [run],
  );
}

/** The tool's table defines which versions are the same. Another check reports a table that cannot be read. */
async function orderIn(session: Session, table: string): Promise<VersionOrder> {
  const read = await versionTable(session, table).catch(() => undefined);
  return read?.order ?? AS_TEXT;
}

function problemOf(
  { run, version, checksum, startedAt, doneAt }: Row,
  plan: CompiledPlan,
  order: VersionOrder,
): string[] {
  if (!doneAt)
    return [
      `run ${run} began ${version} at ${startedAt.toISOString()} and neither finished it nor rolled it back`,
    ];
  const migration = plan.migrations.find((candidate) => order.same(candidate.version, version));
  if (!migration) return [];
  const applied = `${version} was applied by run ${run} at ${doneAt.toISOString()}`;
  return [
    migration.migrate.checksum === checksum
      ? applied
      : `${applied}, and ${migration.migrate.path} has changed since`,
  ];
}
