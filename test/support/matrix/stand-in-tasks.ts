import { benchmarkTask } from "../../../lambdas/benchmark/task.ts";
import { fenceTask } from "../../../lambdas/fence/task.ts";
import { migrateTask } from "../../../lambdas/migrate/task.ts";
import { backedUpBy } from "../../../lambdas/moments/look.ts";
import { openingTask } from "../../../lambdas/opening/task.ts";
import { preflightTask } from "../../../lambdas/preflight/task.ts";
import { fingerprintOf } from "../../../lambdas/proof/catalog.ts";
import { proofName, proveTask } from "../../../lambdas/proof/prove.ts";
import { recordTask } from "../../../lambdas/proof/record.ts";
import { keepFingerprint } from "../../../lambdas/proof/stored-record.ts";
import { verifyTask } from "../../../lambdas/proof/verify.ts";
import { writesTask } from "../../../lambdas/proof/writes.ts";
import { predict } from "../../../lambdas/rollback/predict.ts";
import { rollbackTask } from "../../../lambdas/rollback/task.ts";
import {
  type BackupDoc,
  type BenchmarksDoc,
  type ChecksDoc,
  Doc,
  docName,
  type FenceDoc,
  type LossDoc,
  type MomentDoc,
  type PreflightDoc,
  type ProofDoc,
  type ProofName,
  type RecordDoc,
  type RecordName,
  type RollbackDoc,
  type StagingVerifiedDoc,
  type StepsDoc,
  type Target,
} from "../../../lambdas/shared/documents.ts";
import { type Caught, ErrorName, SluiceError } from "../../../lambdas/shared/errors.ts";
import type { RunEvidence } from "../../../lambdas/shared/evidence.ts";
import { asideName, type MomentPurpose, momentName } from "../../../lambdas/shared/names.ts";
import {
  firstMigration,
  followsApply,
  migrationAfter,
  migrationBefore,
  named,
  ONLY_RESTORE,
  type WayBack,
} from "../../../lambdas/shared/next-migration.ts";
import { endpointOf } from "../../../lambdas/shared/places.ts";
import { isRestoreOnly, migrationOf, restoreIsWayBack } from "../../../lambdas/shared/plan.ts";
import type { Ports } from "../../../lambdas/shared/ports.ts";
import { type Answer, DONE, type Task } from "../../../lambdas/shared/task.ts";
import { validateTask } from "../../../lambdas/validate/task.ts";
import { watchTask } from "../../../lambdas/watch/task.ts";
import { TASKS } from "../../../local/tasks.ts";
import type { Environment } from "./environment.ts";
import type { StandInDatabase } from "./stand-in-database.ts";

/** Returns the database at that address; rejects where none answers. */
type Databases = (host: string) => StandInDatabase;

/**
 * The real tasks, except those that work on the database. These take the same events, write the same documents and do
 * their work on a stand-in.
 */
export function standInTasks(databaseAt: Databases): Environment["tasks"] {
  const played = <Event>(
    task: Task<Event>,
    /** Does the task on the stand-in; facts about migrations that it returns go into the answer. */
    play: (event: Event, at: Played) => Promise<unknown>,
  ): Task<Event> => ({
    ...task,
    run: async (event, ports, evidence) => {
      return {
        ...DONE,
        ...((await play(event, new Played(ports, evidence, databaseAt))) as Answer | undefined),
      };
    },
  });
  const rollBack = played(rollbackTask, async (event, at) => {
    if (event.action === "predict") return void (await predict(at.ports, at.evidence));
    if (event.action === "begin") return;
    const database = await at.database(event.target);
    database.has.delete(event.version);
    database.begun.delete(event.version);
    await at.steps(event.target, event.version, 1, "rollback");
    return migrationBefore(at.ports.plan, event.version);
  });
  return {
    ...TASKS,
    preflight: played(preflightTask, async (_event, at) => {
      const { copyTo, rehearse } = at.ports.settings;
      const by = copyTo || rehearse === "inside" ? "snapshot" : "point-in-time";
      await at.keep<BackupDoc>(Doc.backup, { at: at.now(), by, why: [] });
      await at.keep<PreflightDoc>(Doc.preflight, { at: at.now(), checks: [] });
    }),
    fence: played(fenceTask, async ({ action, ...event }, at) => {
      if (action === "fence") {
        const again = "again" in event && event.again;
        await at.keep<FenceDoc>(again ? Doc.fenceAgain : Doc.fence, {
          at: at.now(),
          mode: "connect",
          aclBefore: null,
          taken: [],
          roles: [],
        });
        const production = await at.database("production");
        production.claimed = true;
        production.fenced = true;
        return;
      }
      if (action === "lift") await at.keep(Doc.fenceLifting, { at: at.now() });
      if (!(await at.evidence.read(Doc.fence))) return;
      const production = await at.database("production");
      production.fenced = false;
      await at.keep(Doc.fenceLifted, { at: at.now() });
      if (action === "leave") production.claimed = false;
    }),
    record: played(recordTask, async ({ when }, at) => {
      await at.record(when, "production");
      if (when === "before") await at.moment("final");
    }),
    verify: played(verifyTask, async ({ again }, at) => {
      if (again) {
        await at.proof("restore-rehearsed", "staging", "staging");
        return firstMigration(at.ports.plan);
      }
      await at.record("staging", "staging");
      await at.keep<StagingVerifiedDoc>(Doc.stagingVerified, {
        at: at.now(),
        tables: 0,
        rows: "0",
        equal: true,
        differences: [],
      });
      if (restoreIsWayBack(at.ports.plan, at.ports.settings)) await at.moment("rehearsal");
      return firstMigration(at.ports.plan);
    }),
    writes: played(writesTask, async ({ action }, at) => {
      await at.database("production");
      if (action === "count")
        await at.keep<LossDoc>(Doc.loss, {
          at: at.now(),
          since: at.now(),
          applicationWasIn: false,
          tables: [],
          asRecorded: 0,
          byCounters: 0,
        });
      return firstMigration(at.ports.plan);
    }),
    migrate: played(migrateTask, async ({ target, version, round }, at) => {
      const database = await at.database(target);
      if (target === "staging" && round === 1) await at.record(`staging-${version}`, target);
      database.has.add(version);
      database.begun.add(version);
      await at.steps(target, version, round, "migrate");
      return {
        ...named(migrationOf(at.ports.plan, version)),
        follows: followsApply(at.ports, version, target, round),
      };
    }),
    validate: played(validateTask, async ({ target, version: one, round }, at) => {
      const database = await at.database(target);
      const { plan } = at.ports;
      for (const version of one === undefined ? plan.migrations.map(({ version }) => version) : [one])
        await at.keep<ChecksDoc>(Doc.checks(target, version, round), {
          at: at.now(),
          target,
          version,
          seconds: 0,
          results: [
            { name: "is there", at: "", as: null, passed: database.has.has(version), expected: "", seen: "" },
          ],
        });
      return one === undefined ? undefined : migrationAfter(plan, one);
    }),
    rollback: {
      ...rollBack,
      run: async (event, ports, evidence) =>
        event.action === "begin"
          ? await begin(event.failure, new Played(ports, evidence, databaseAt))
          : await rollBack.run(event, ports, evidence),
    },
    prove: played(proveTask, async (event, at) => {
      const proof = proofName(event);
      const ofStaging = proof.startsWith("staging-");
      await at.proof(
        proof,
        ofStaging ? "staging" : "production",
        ofStaging ? (proof as RecordName) : "before",
      );
    }),
    benchmark: played(benchmarkTask, async ({ target }, at) => {
      await at.database(target);
      await at.keep<BenchmarksDoc>(Doc.benchmarks(target), { at: at.now(), target, results: [] });
    }),
    watch: played(watchTask, async ({ action }, at) => {
      await at.database(action === "rehearse" ? "staging" : "production");
    }),
    opening: played(openingTask, async ({ target }, at) => void (await at.database(target))),
  };
}

async function begin(failure: Caught, at: Played): Promise<Answer> {
  const { begun } = await at.database("production");
  const { plan } = at.ports;
  const only = plan.migrations.find((migration) => isRestoreOnly(migration) && begun.has(migration.version));
  const { from, restoreFrom } = await at.keep<RollbackDoc>(Doc.rollback, {
    at: at.now(),
    why: failure.Error ? `${failure.Error}: ${failure.Cause}` : "No-Go",
    from: [...begun].sort().at(-1) ?? null,
    ...(only ? { restoreFrom: only.version } : {}),
  });
  const way: WayBack = restoreFrom === undefined ? "rollback" : ONLY_RESTORE;
  return { ...named(from === null ? undefined : migrationOf(plan, from)), way };
}

/** The tools of a played task. */
class Played {
  constructor(
    readonly ports: Ports,
    readonly evidence: RunEvidence,
    private readonly databaseAt: Databases,
  ) {}

  now(): string {
    return this.ports.clock.now().toISOString();
  }

  async keep<T>(name: string, document: T): Promise<T> {
    return await this.evidence.createOnce(docName<T>(name), document);
  }

  async database(target: Target): Promise<StandInDatabase> {
    return this.databaseAt((await endpointOf(this.evidence, target)).host);
  }

  async record(name: RecordName, target: Target): Promise<RecordDoc> {
    const fingerprint = fingerprintOf((await this.database(target)).catalog());
    await keepFingerprint(this.evidence, name, fingerprint);
    return await this.keep<RecordDoc>(Doc.record(name), {
      at: this.now(),
      seconds: 0,
      fingerprint: fingerprint.hash,
      tables: [],
      sequences: [],
    });
  }

  /** Notes a moment, unless this run's backup is a snapshot. */
  async moment(purpose: MomentPurpose): Promise<void> {
    if ((await backedUpBy(this.evidence)) === "snapshot") return;
    const { identity } = await this.evidence.require(Doc.production);
    await this.keep<MomentDoc>(Doc.moment(purpose), {
      name: momentName(this.evidence.run, purpose),
      instance: this.ports.settings.instance,
      aside: asideName(this.ports.settings.instance, this.evidence.run),
      identity,
      moment: { at: this.now(), lsn: null, timeline: null },
      notedAt: this.now(),
      transaction: "1",
      underWay: "2:2:",
    });
  }

  async proof(name: ProofName, target: Target, before: RecordName): Promise<void> {
    const is = await this.record(`after-${name}`, target);
    const was = await this.evidence.require(Doc.record(before));
    const equal = name === "production-data" || is.fingerprint === was.fingerprint;
    await this.keep<ProofDoc>(Doc.proof(name), {
      at: this.now(),
      name,
      equal,
      fingerprintBefore: was.fingerprint,
      fingerprintAfter: is.fingerprint,
      tablesBefore: [],
      tablesAfter: [],
      differences: equal ? [] : ["something is not as it was"],
      unproven: [],
      agreed: [],
      moved: [],
    });
    if (!equal) throw new SluiceError(ErrorName.NotBack, "something is not as it was");
  }

  async steps(
    target: Target,
    version: string,
    round: number,
    direction: "migrate" | "rollback",
  ): Promise<void> {
    const at = this.now();
    await this.keep<StepsDoc>(Doc.steps(target, version, round, direction), {
      target,
      version,
      title: "",
      round,
      direction,
      startedAt: at,
      endedAt: at,
      seconds: 0,
      steps: [],
    });
  }
}
