import type { Facts, WholeProof } from "./facts.ts";
import { stagingProof } from "./mistakes.ts";
import type { ProofReport } from "./schema.ts";

export function proofsOf({ proofs, plan }: Facts): ProofReport[] {
  return proofs.map((proof) => ({
    name: proof.name,
    title: titleOf(proof.name),
    at: proof.at,
    equal: proof.equal,
    fingerprintBefore: proof.fingerprintBefore,
    fingerprintAfter: proof.fingerprintAfter,
    // Of a rehearsal's proofs the tables that are as they were are counted: there are as many proofs as migrations.
    tables: tablesOf(proof, plan.protect).filter(
      ({ equal }) => !equal || proof.name.startsWith("production-"),
    ),
    differences: proof.differences,
    ...(proof.left ? { left: proof.left } : {}),
    ...(proof.scope ? { scope: proof.scope } : {}),
    ...(proof.grown ? { grown: proof.grown } : {}),
    ...(proof.others ? { others: proof.others } : {}),
    moved: proof.moved,
    evidence: [proof.evidence],
  }));
}

function titleOf(name: string): string {
  if (name === "production-data") return "Production's data after the migrations";
  if (name === "production-rolled-back") return "Production, rolled back";
  if (name === "production-restored") return "Production, restored";
  if (name === "restore-rehearsed") return "Staging, restored once more from the same snapshot";
  if (name.startsWith("staging-")) {
    const { version, again } = stagingProof(name);
    return again ? `Staging, the rollback of ${version} tried again` : `Staging, ${version} rolled back`;
  }
  return name;
}

/** Before beside after, table by table: those that the plan names first. */
function tablesOf(proof: WholeProof, protect: readonly string[]): ProofReport["tables"] {
  const before = new Map(proof.tablesBefore.map((table) => [table.table, table]));
  const after = new Map(proof.tablesAfter.map((table) => [table.table, table]));
  const grew = new Set((proof.grown ?? []).map((line) => line.slice(0, line.lastIndexOf(": "))));
  const agreed = new Map(proof.agreed.map(({ table, text }) => [table, text]));
  // What a migration renamed goes on under its former name here.
  const names = proof.name === "production-data" ? before.keys() : [...before.keys(), ...after.keys()];
  return [...new Set(names)]
    .map((table) => {
      const [was, is] = [before.get(table), after.get(table)];
      return {
        table,
        protected: protect.some((name) => name === table || table.endsWith(`.${name}`)),
        rowsBefore: was?.rows ?? null,
        rowsAfter: is?.rows ?? null,
        checksumBefore: was?.checksum ?? null,
        checksumAfter: is?.checksum ?? null,
        equal: grew.has(table)
          ? proof.equal
          : was !== undefined && !agreed.has(table) && was.rows === is?.rows && was.checksum === is.checksum,
        agreed: agreed.get(table) ?? null,
      };
    })
    .sort((a, b) => Number(b.protected) - Number(a.protected) || (a.table < b.table ? -1 : 1));
}
