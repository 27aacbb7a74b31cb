import type { LedgerKey } from "../ledger/ledger.ts";
import { takeFingerprint } from "../proof/catalog.ts";
import { describeDifference, differences } from "../proof/difference.ts";
import { notLeft, notLeftText, withoutLeft } from "../proof/leaves.ts";
import { prove } from "../proof/prove.ts";
import { keptFingerprint } from "../proof/stored-record.ts";
import { Doc, type StepDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { applicationRoles, besideTarget, withTarget } from "../shared/places.ts";
import { type Migration, migrationOf, rollbackOf, type SqlFile } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import { runSteps } from "./run-steps.ts";

// If a worker dies, a finished rollback may run again, and a migration that fails half-way must be rolled back from
// there. Both cases are tried and proven on staging, once the rollback itself is proven.

/** Ledger rounds for these tries; 1 and 2 are the migration's own. */
const SECOND_ROLLBACK = 3;
const FIRST_STEP_ONLY = 4;

interface Trial {
  run: string;
  version: string;
  limitMinutes: number | undefined;
}

/**
 * Rolls the migration back once more, then from the state after its first step, and keeps the result as a proof.
 * Differences end the rehearsal later, together with all other findings.
 * @returns false if this worker must leave; call again
 * @throws SluiceError RollbackFailed if the rollback fails after the first step: staging is then half migrated
 */
export async function tryRollbackAgain(ports: Ports, evidence: RunEvidence, trial: Trial): Promise<boolean> {
  const { version } = trial;
  const proven = await evidence.read(Doc.proof(`staging-${version}`));
  // If the rollback did not bring staging back, there is nothing to compare with.
  if (!proven?.equal || (await evidence.read(Doc.proof(`staging-${version}-again`)))) return true;
  const migration = migrationOf(ports.plan, version);
  const further = migration.migrate.steps.length > 1;
  // Keep this result before the next try: a later worker could not find it any more.
  const second = further
    ? await once(evidence, `${version}-second`, ports, () => rollBackTwice(ports, evidence, trial, migration))
    : await rollBackTwice(ports, evidence, trial, migration);
  if (!second) return false;
  const first = further ? await rollBackFirstStep(ports, evidence, trial, migration) : [];
  if (!first) return false;
  // Contents are read once, after both tries.
  const doc = await prove(`staging-${version}-again`, ports, evidence, [...second, ...first]);
  if (doc && !doc.equal)
    ports.progress(`The rollback of ${version} must also work twice: ${doc.differences[0]}`);
  return doc !== undefined;
}

async function once(
  evidence: RunEvidence,
  name: string,
  ports: Ports,
  work: () => Promise<string[] | undefined>,
): Promise<string[] | undefined> {
  const done = await evidence.read(Doc.rollbackTry(name));
  if (done) return done.wrong;
  const wrong = await work();
  if (wrong) await evidence.createOnce(Doc.rollbackTry(name), { at: ports.clock.now().toISOString(), wrong });
  return wrong;
}

/** Undefined: this worker must leave. */
async function rollBackTwice(
  ports: Ports,
  evidence: RunEvidence,
  trial: Trial,
  migration: Migration,
): Promise<string[] | undefined> {
  ports.progress(`${rollbackOf(migration).path}: again, as after the death of a worker`);
  try {
    if (!(await rollBack(ports, evidence, trial, migration, SECOND_ROLLBACK))) return undefined;
  } catch (error) {
    if (!(error instanceof SluiceError) || error.name !== ErrorName.RollbackFailed) throw error;
    return [`run a second time, after it had completed, it fails: ${error.message}`];
  }
  const found = await catalogDifferences(ports, evidence, trial.version);
  return found.map((line) => `run a second time, after it had completed: ${line}`);
}

async function rollBackFirstStep(
  ports: Ports,
  evidence: RunEvidence,
  trial: Trial,
  migration: Migration,
): Promise<string[] | undefined> {
  const [step] = migration.migrate.steps;
  if (!step) return [];
  ports.progress(`${rollbackOf(migration).path}: from the state after "${step.name}" alone`);
  const only: SqlFile = { ...migration.migrate, steps: [step] };
  const applied = await stepsOf(ports, evidence, trial, {
    file: only,
    migration,
    round: FIRST_STEP_ONLY,
    direction: "migrate",
    failure: ErrorName.StepFailed,
  });
  if (!applied) return undefined;
  const from = `from the state after the first step ("${step.name}")`;
  try {
    if (!(await rollBack(ports, evidence, trial, migration, FIRST_STEP_ONLY))) return undefined;
  } catch (error) {
    if (!(error instanceof SluiceError) || error.name !== ErrorName.RollbackFailed) throw error;
    throw new SluiceError(
      ErrorName.RollbackFailed,
      `The rollback of ${trial.version} fails ${from}, which is where an interrupted migration leaves the database: ${error.message}`,
      { cause: error },
    );
  }
  const found = await catalogDifferences(ports, evidence, trial.version);
  return found.map((line) => `${from}: ${line}`);
}

function rollBack(
  ports: Ports,
  evidence: RunEvidence,
  trial: Trial,
  migration: Migration,
  round: number,
): Promise<StepDoc[] | undefined> {
  return stepsOf(ports, evidence, trial, {
    file: rollbackOf(migration),
    migration,
    round,
    direction: "rollback",
    failure: ErrorName.RollbackFailed,
  });
}

/** Each runs in a session of its own, so that one file's settings do not reach the next. */
function stepsOf(
  ports: Ports,
  evidence: RunEvidence,
  { run, version, limitMinutes }: Trial,
  what: Pick<LedgerKey, "round" | "direction"> & {
    file: SqlFile;
    migration: Migration;
    failure: ErrorName;
  },
): Promise<StepDoc[] | undefined> {
  const { file, migration, round, direction, failure } = what;
  return withTarget(ports, evidence, "staging", (session) =>
    runSteps(session, ports, {
      key: { run, version, round, direction },
      file,
      checksum: migration.migrate.checksum,
      failure,
      limitMinutes,
      beside: besideTarget(ports, evidence, "staging"),
      // A migration with only one step applied has no version yet.
      isPart: direction === "migrate",
    }),
  );
}

async function catalogDifferences(ports: Ports, evidence: RunEvidence, version: string): Promise<string[]> {
  const before = await keptFingerprint(evidence, `staging-${version}`);
  const now = await withTarget(ports, evidence, "staging", (session) =>
    takeFingerprint(session, applicationRoles(ports)),
  );
  const { leaves = [] } = migrationOf(ports.plan, version);
  const { rest } = withoutLeft(differences(before, now), leaves);
  return [...rest.map(describeDifference), ...notLeft(leaves, now).map(notLeftText)];
}
