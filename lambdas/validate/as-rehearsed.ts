import { describeDifference, differences } from "../proof/difference.ts";
import { madeByEach, madeByPlan } from "../proof/made.ts";
import { keptFingerprint, standingCatalog } from "../proof/stored-record.ts";
import { type CheckResult, Doc, type Fingerprint, type LeftDoc, type Target } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { withTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";

// Check for a migration without checks of its own: production must become what the rehearsal showed, and nothing may
// be left half made.

/** Most differences that are listed one by one. */
const MOST = 20;

/** @param path the migration's file, shown in results: there is no file of checks */
export async function asRehearsed(
  session: Session,
  evidence: RunEvidence,
  {
    target,
    version,
    path,
    roles,
  }: { target: Target; version: string; path: string; roles: readonly string[] },
): Promise<CheckResult[]> {
  const result = (passed: boolean, seen: string): CheckResult => ({
    name: "the same objects as in the rehearsal",
    at: path,
    as: null,
    passed,
    expected: "as on staging",
    seen,
  });
  // Production is compared with staging, so staging has nothing to compare with.
  if (target === "staging") return [];
  const made = await madeByPlan(evidence);
  const rehearsed = await keptFingerprint(evidence, `changed-${version}`);
  const is = await (await standingCatalog(session, evidence, roles)).whole();
  const found = differences(rehearsed, is).filter(
    // The proof reports what others changed on production.
    (difference) => made?.(difference) ?? true,
  );
  if (found.length === 0) {
    const objects = (await madeByEach(evidence))?.[version] ?? [];
    return [result(true, `${objects.length} made, changed or dropped, as there`)];
  }
  return found.slice(0, MOST).map((difference) => result(false, describeDifference(difference)));
}

/** Runs once all migrations stand, for those without checks of their own. */
export function nothingLeft(left: LeftDoc, path: string): CheckResult {
  const found = [
    ...left.invalidIndexes.map((name) => `index ${name} is invalid`),
    ...left.notValid.map((name) => `constraint ${name} is NOT VALID`),
  ];
  return {
    name: "nothing is left invalid or not validated",
    at: path,
    as: null,
    passed: found.length === 0,
    expected: "nothing",
    seen:
      found.length === 0
        ? "nothing"
        : `${found.slice(0, 5).join("; ")}. Validate it in a later step; if it is meant to stay so, write a validate.sql`,
  };
}

// An index of a partitioned table made with ON ONLY stays invalid on purpose until each partition has its part.
const INVALID = `SELECT i.identity AS name
    FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         CROSS JOIN LATERAL pg_identify_object('pg_class'::regclass, c.oid, 0) i
   WHERE NOT (x.indisvalid AND x.indisready AND x.indislive) AND c.relkind = 'i' AND ${IS_USERS_SCHEMA("n.nspname")}
   ORDER BY 1`;

// Since PostgreSQL 18 a constraint that is not enforced is also not valid, on purpose.
const NOT_VALID = `SELECT i.identity AS name
    FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
         CROSS JOIN LATERAL pg_identify_object('pg_constraint'::regclass, k.oid, 0) i
   WHERE NOT k.convalidated AND k.conislocal AND ${IS_USERS_SCHEMA("n.nspname")}
     AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
   ORDER BY 1`;

/** Returns what is half made now that all migrations stand, and was not so before. */
export async function lookForLeft(ports: Ports, evidence: RunEvidence, target: Target): Promise<LeftDoc> {
  return await evidence.getOrCreate(Doc.left(target), async () => {
    const before = await keptFingerprint(evidence, target === "production" ? "before" : "staging");
    const found = await withTarget(ports, evidence, target, async (session) => ({
      invalidIndexes: await names(session, INVALID),
      notValid: await names(session, NOT_VALID),
    }));
    return {
      at: ports.clock.now().toISOString(),
      invalidIndexes: added(
        found.invalidIndexes,
        before,
        "index",
        /^(invalid|not ready for writes|being dropped)$/m,
      ),
      notValid: added(found.notValid, before, "constraint", /^not validated$/m),
    };
  });
}

async function names(session: Session, sql: string): Promise<string[]> {
  return (await session.query<{ name: string }>(sql)).map(({ name }) => name);
}

function added(
  found: readonly string[],
  before: Fingerprint | undefined,
  kind: string,
  line: RegExp,
): string[] {
  const were = new Set(
    (before?.objects ?? [])
      .filter((object) => object.kind === kind && line.test(object.definition))
      .map(({ name }) => name),
  );
  return found.filter((name) => !were.has(name));
}
