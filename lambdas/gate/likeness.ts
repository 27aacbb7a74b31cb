import { showsOnlyHowFar } from "../moments/look.ts";
import { kindsOf } from "../proof/changes-held.ts";
import { showsOnlySlowness } from "../restore/restored-instance.ts";
import {
  type ChecksDoc,
  Doc,
  docName,
  type GateDoc,
  type ProofDoc,
  type Target,
} from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { sha256 } from "../shared/sha256.ts";

/**
 * What must be the same of two databases for people's Go at the gate of one to hold at the gate of the other. Counts of
 * rows and times may differ; which checks passed, and what changed, may not.
 */
export interface Likeness {
  planChecksum: string;
  /** Of production's catalog; null where the gate is not about it. */
  fingerprint: string | null;
  /**
   * What people are to read first, without its figures and the database's own names. Absent: what depends on the hour,
   * such as how far the backups are.
   */
  warnings: string[];
  preflight: [name: string, passed: boolean | null][];
  /** What the migrations did to what was there: `staging: public.account.email changed`. */
  changes: string[];
  checks: [of: string, name: string, passed: boolean][];
  /** Whether each met its limit. */
  benchmarks: [of: string, name: string, passed: boolean | null][];
  proofs: [name: string, equal: boolean][];
}

export interface LikenessDoc {
  /** SHA-256 of the likeness. */
  digest: string;
  likeness: Likeness;
}

export const likenessDoc = (gate: string, attempt: number) =>
  docName<LikenessDoc>(`gates/${gate}-${attempt}/likeness`);

/** What a gate's likeness is, by the evidence that stands behind its page. */
export async function likenessOf(
  { basis, warnings = [] }: Pick<GateDoc, "basis" | "warnings">,
  evidence: RunEvidence,
): Promise<LikenessDoc> {
  const preflight = (await evidence.read(Doc.preflight))?.checks ?? [];
  const checks = await all<ChecksDoc>(evidence, "checks/");
  const proofs = await all<ProofDoc>(evidence, "proofs/");
  const names = new Set((await evidence.read(Doc.production))?.findings?.names);
  const likeness: Likeness = {
    planChecksum: basis.planChecksum,
    fingerprint: basis.fingerprint,
    warnings: warnings
      .filter((line) => !showsOnlyHowFar(line) && !showsOnlySlowness(line))
      .map((line) => withoutFigures(withoutNames(line, names)))
      .sort(),
    preflight: sorted(preflight.map(({ name, passed }) => [name, passed])),
    changes: (
      await Promise.all((["staging", "production"] as const).map((target) => changesOn(target, evidence)))
    ).flat(),
    checks: sorted(
      checks.flatMap(([of, { results }]) =>
        results.map(({ name, passed }): Likeness["checks"][number] => [of, name, passed]),
      ),
    ),
    benchmarks: sorted(
      (
        await Promise.all(
          (["staging", "production"] as const).map((target) => benchmarksOn(target, evidence)),
        )
      ).flat(),
    ),
    proofs: sorted(proofs.map(([, { name, equal }]): Likeness["proofs"][number] => [name, equal])),
  };
  return { digest: sha256(JSON.stringify(likeness)), likeness };
}

async function all<D>(evidence: RunEvidence, prefix: string): Promise<[name: string, doc: D][]> {
  const names = await evidence.list(prefix);
  return await Promise.all(
    names.map(
      async (name): Promise<[string, D]> => [
        name.slice(prefix.length),
        await evidence.require(docName<D>(name)),
      ],
    ),
  );
}

async function changesOn(target: Target, evidence: RunEvidence): Promise<string[]> {
  const doc = await evidence.read(Doc.changes(target));
  if (!doc) return [];
  const { added, gone } = doc.objects;
  return [
    `${target}: ${added} objects added, ${gone} gone`,
    ...doc.tables
      .flatMap(kindsOf)
      .map(
        ({ what, table, column, to }) => `${target}: ${[table, column, what, to].filter(Boolean).join(" ")}`,
      )
      .sort(),
  ];
}

async function benchmarksOn(target: Target, evidence: RunEvidence): Promise<Likeness["benchmarks"]> {
  const results = (await evidence.read(Doc.benchmarks(target)))?.results ?? [];
  return results.map(({ name, passed }) => [target, name, passed]);
}

/** Each database has replicas and proxies of its own names, some with dots or colons, as endpoints and ARNs have. */
function withoutNames(line: string, names: ReadonlySet<string>): string {
  return line.replace(/[A-Za-z](?:[\w.:-]*\w)?/g, (word) => (names.has(word) ? "…" : word));
}

/** Such as `locked for about #`: of no two databases they are the same. */
function withoutFigures(line: string): string {
  return line.replace(/\b\d[\d.,]*(?: (?:ms|s|min|h|B|KiB|MiB|GiB|TiB)\b)*/g, "#");
}

function sorted<T extends readonly unknown[]>(rows: T[]): T[] {
  return rows
    .map((row) => [JSON.stringify(row), row] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, row]) => row);
}
