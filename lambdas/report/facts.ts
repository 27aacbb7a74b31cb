import { type CalledState, CHAIN, type LinkDoc } from "../shared/chain.ts";
import {
  type AftercareDoc,
  type AfterOpeningDoc,
  type ArchivedDoc,
  type BackupDoc,
  type BenchmarksDoc,
  type ChangesDoc,
  type ChecksDoc,
  Doc,
  docName,
  type FailureDoc,
  type FenceDoc,
  type GateDecisionDoc,
  type GateDoc,
  type GateObjectionDoc,
  type HandedOverDoc,
  type HookDoc,
  type LeftDoc,
  type LossDoc,
  type MomentDoc,
  type MomentPassedDoc,
  type MomentSeenDoc,
  type NotQuietDoc,
  type OutcomeDoc,
  type PlanSummary,
  type PreflightDoc,
  type ProductionDoc,
  type ProofDoc,
  type QuietDoc,
  READINGS,
  type ReadingDoc,
  type RecordDoc,
  type RequestDoc,
  type RestoreDoc,
  type RestoredDoc,
  type RollbackDoc,
  type SnapshotDoc,
  type StagingDoc,
  type StagingStorageDoc,
  type StagingVerifiedDoc,
  type StateDoc,
  type StepsDoc,
  type StilledDoc,
  type TableContentDoc,
  type Target,
  type VerifiedAgainDoc,
  type WayBackDoc,
  type WithheldDoc,
} from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { MANIFEST_FILE } from "../shared/manifest.ts";
import type { SnapshotPurpose } from "../shared/names.ts";
import { sha256 } from "../shared/sha256.ts";
import { isShown } from "../shared/sight.ts";
import type { StagingReading } from "./machine-time.ts";

/** A document with its name in the evidence, so that readers can look it up. */
export type Named<T> = T & { evidence: string };

export interface GateFacts {
  request: Named<GateDoc>;
  decision: Named<GateDecisionDoc> | null;
  /** A Go that did not take effect. */
  withheld: WithheldDoc | null;
  /** No-Goes given after the Go. */
  objections: Named<GateObjectionDoc>[];
}

export interface FenceFacts extends FenceDoc {
  liftedAt: string | null;
}

export interface StateFacts {
  state: string;
  /** Null in evidence of older runs. */
  phase: string | null;
  /** The migration that the state worked on. */
  version: string | null;
  enteredAt: string;
  doneAt: string | null;
}

/** A proof with its tables before and after. */
export type WholeProof = ProofDoc & Record<"tablesBefore" | "tablesAfter", TableContentDoc[]>;

/** All facts from a run's evidence that a report uses. */
export interface Facts {
  run: string;
  plan: PlanSummary;
  request: RequestDoc | null;
  production: ProductionDoc | null;
  preflight: PreflightDoc | null;
  fence: FenceFacts | null;
  /** The second fence, set on the way back after the opening. */
  fenceAgain: FenceFacts | null;
  /** Subscriptions and scheduled jobs that the fences stopped. */
  stilled: Named<StilledDoc>[];
  stagingRecord: RecordDoc | null;
  /** Seconds that each reading of production took, by the record's name. */
  readSeconds: Readonly<Record<string, number>>;
  /** The readings of staging that proved each rollback. */
  stagingReadings: StagingReading[];
  snapshots: Named<SnapshotDoc & { purpose: SnapshotPurpose }>[];
  backup: BackupDoc | null;
  /** The moment that a restore of production goes back to. */
  moment: MomentDoc | null;
  momentPassed: MomentPassedDoc | null;
  /** States of the moment as the instances reported them, in order. */
  momentSeen: MomentSeenDoc[];
  /** Further copies of the final snapshot. */
  archived: ArchivedDoc | null;
  /** The parameter group that keeps copies still. */
  quiet: QuietDoc | null;
  notQuiet: NotQuietDoc | null;
  staging: StagingDoc | null;
  /** The staging restored again, when the restore was rehearsed as the way back. */
  stagingAgain: StagingDoc | null;
  /** Operations on staging's storage during the measurements. */
  stagingStorage: StagingStorageDoc | null;
  stagingVerified: StagingVerifiedDoc | null;
  stagingDeletedAt: string | null;
  steps: Named<StepsDoc>[];
  checks: Named<ChecksDoc & { round: string }>[];
  proofs: Named<WholeProof>[];
  changes: Named<ChangesDoc>[];
  benchmarks: Partial<Record<Target, Named<BenchmarksDoc>>>;
  /** What the migrations left unfinished: invalid indexes, constraints that are NOT VALID. */
  left: Record<Target, LeftDoc | null>;
  hooks: Named<HookDoc>[];
  gates: GateFacts[];
  wayBack: WayBackDoc | null;
  rollback: RollbackDoc | null;
  loss: LossDoc | null;
  restore: RestoreDoc | null;
  /** Present once the new instance was requested. */
  restoring: { at: string } | null;
  restored: RestoredDoc | null;
  /** The settings handed to the restored instance. */
  handedOver: HandedOverDoc | null;
  afterOpening: AfterOpeningDoc | null;
  aftercare: AftercareDoc | null;
  /** The run's own reading of the watch, and the newest reading. */
  readings: { first: ReadingDoc; last: ReadingDoc } | null;
  /** The rehearsal's reading of staging. */
  stagingReading: Pick<ReadingDoc, "values"> | null;
  verifiedAgain: VerifiedAgainDoc | null;
  states: StateFacts[];
  failures: Named<FailureDoc>[];
  outcome: OutcomeDoc | null;
  /** SHA-256 of the manifest in hex; null: there is none yet. */
  manifest: string | null;
  /** The latest time in any document: the report shows the state at that time. */
  asOf: string;
}

// Records are large: those of one migration and of the loss are read in what was made of them. The newest of the watch's
// hundreds of readings sums up all others.
const UNREAD = [READINGS, Doc.record("loss"), Doc.record("staging-"), Doc.record("changed-")];

const isRead = (name: string) =>
  name.startsWith(CHAIN) || (isShown(name) && !UNREAD.some((start) => name.startsWith(start)));

export async function gatherFacts(evidence: RunEvidence): Promise<Facts> {
  const stored = await evidence.list("");
  const readings = stored.filter((name) => name.startsWith(READINGS));
  const names = [...stored.filter(isRead), ...readings.slice(0, 1), ...readings.slice(1).slice(-1)];
  const documents = new Map<string, unknown>();
  await Promise.all(
    names.map(async (name) => {
      documents.set(name, await evidence.read(docName(name)));
    }),
  );
  readStates(documents);
  const outcome = one<OutcomeDoc>(documents, Doc.outcome);
  // States after the decided end, such as the message to people, would make a later report differ.
  if (outcome) forgetAfter(documents, outcome.at);

  const plan = one<PlanSummary>(documents, Doc.plan);
  if (!plan) throw new Error(`The evidence of run ${evidence.run} has no ${Doc.plan}.json`);
  const request = one<RequestDoc>(documents, Doc.request);
  const manifest = await evidence.readFile(MANIFEST_FILE);
  return {
    run: evidence.run,
    plan,
    request,
    production: one(documents, Doc.production),
    preflight: one(documents, Doc.preflight),
    fence: fenceOf(documents, Doc.fence, Doc.fenceLifted),
    fenceAgain: fenceOf(documents, Doc.fenceAgain, Doc.fenceAgainLifted),
    stilled: all<StilledDoc>(documents, "stilled/"),
    stagingRecord: one(documents, Doc.record("staging")),
    readSeconds: Object.fromEntries([
      ...all<RecordDoc>(documents, "records/").map(({ evidence, seconds }) => [
        evidence.slice("records/".length),
        seconds,
      ]),
      ...all<ProofDoc>(documents, "proofs/").flatMap(({ name, record }) =>
        record ? [[`after-${name}`, record.seconds]] : [],
      ),
    ]),
    stagingReadings: all<ProofDoc>(documents, "proofs/staging-").flatMap(({ record }) =>
      record?.spent ? [{ seconds: record.seconds, spent: record.spent }] : [],
    ),
    snapshots: (["rehearsal", "final", "kept"] as const).flatMap((purpose) => {
      const evidence = Doc.snapshot(purpose);
      const found = one<SnapshotDoc>(documents, evidence);
      return found ? [{ ...found, purpose, evidence }] : [];
    }),
    backup: one(documents, Doc.backup),
    moment: one(documents, Doc.moment("final")),
    momentPassed: one(documents, Doc.momentPassed("final")),
    momentSeen: byTime(
      [
        ...all<MomentSeenDoc>(documents, Doc.momentHeld("final")),
        ...all<MomentSeenDoc>(documents, "moments/seen-"),
      ],
      (doc) => doc.at,
    ),
    archived: one(documents, Doc.archived),
    quiet: one(documents, Doc.quiet),
    notQuiet: one(documents, Doc.notQuiet),
    staging: one(documents, Doc.staging),
    stagingAgain: one(documents, Doc.stagingAgain),
    stagingStorage: one(documents, Doc.stagingStorage),
    stagingVerified: one(documents, Doc.stagingVerified),
    stagingDeletedAt: one<{ at: string }>(documents, Doc.stagingDeleted)?.at ?? null,
    steps: byTime(all<StepsDoc>(documents, "steps/"), (doc) => doc.startedAt),
    checks: byTime(
      all<ChecksDoc>(documents, "checks/").map((doc) => ({ ...doc, round: roundOf(doc) })),
      (doc) => doc.at,
    ),
    proofs: byTime(all<ProofDoc>(documents, "proofs/").map(whole), (doc) => doc.at),
    changes: all<ChangesDoc>(documents, "changes/"),
    benchmarks: Object.fromEntries(
      all<BenchmarksDoc>(documents, "benchmarks/").map((doc) => [doc.target, doc]),
    ),
    left: {
      staging: one(documents, Doc.left("staging")),
      production: one(documents, Doc.left("production")),
    },
    hooks: byTime(all<HookDoc>(documents, "hooks/"), (doc) => doc.at),
    gates: gatesOf(documents),
    wayBack: one(documents, Doc.wayBack),
    rollback: one(documents, Doc.rollback),
    loss: one(documents, Doc.loss),
    restore: one(documents, Doc.restore),
    restoring: one(documents, Doc.restoring),
    restored: one(documents, Doc.restored),
    handedOver: one(documents, Doc.handedOver),
    afterOpening: one(documents, Doc.afterOpening),
    aftercare: one(documents, Doc.aftercare),
    readings: readingsOf(documents),
    stagingReading: one(documents, Doc.watchRehearsed),
    verifiedAgain: one(documents, Doc.verifiedAgain),
    states: statesOf(documents),
    failures: byTime(all<FailureDoc>(documents, "failures/"), (doc) => doc.at),
    outcome,
    manifest: manifest === undefined ? null : sha256(manifest),
    asOf: outcome?.at ?? latest(documents) ?? request?.startedAt ?? new Date(0).toISOString(),
  };
}

function one<T>(documents: Map<string, unknown>, name: string): T | null {
  return (documents.get(name) as T | undefined) ?? null;
}

function all<T extends object>(documents: Map<string, unknown>, prefix: string): Named<T>[] {
  return [...documents]
    .filter(([name]) => name.startsWith(prefix))
    .sort(([a], [b]) => compare(a, b))
    .map(([name, document]) => ({ ...(document as T), evidence: name }));
}

/** A proof that lists no tables uses those of its record, before and after. */
function whole({ record, tablesBefore, tablesAfter, ...proof }: Named<ProofDoc>): Named<WholeProof> {
  const tables = record?.tables ?? [];
  return { ...proof, tablesBefore: tablesBefore ?? tables, tablesAfter: tablesAfter ?? tables };
}

function roundOf(doc: Named<ChecksDoc>): string {
  return doc.evidence.slice(Doc.checks(doc.target, doc.version, "").length);
}

function readingsOf(documents: Map<string, unknown>): Facts["readings"] {
  const found = all<ReadingDoc>(documents, READINGS);
  const [first, last] = [found[0], found.at(-1)];
  return first && last ? { first, last } : null;
}

function fenceOf(documents: Map<string, unknown>, set: string, lifted: string): FenceFacts | null {
  const fence = one<FenceDoc>(documents, set);
  return fence && { ...fence, liftedAt: one<{ at: string }>(documents, lifted)?.at ?? null };
}

/** True while a fence of this run keeps the application out. */
export function fenceIsUp({ fence, fenceAgain }: Facts): boolean {
  return [fence, fenceAgain].some((set) => set?.mode === "connect" && set.liftedAt === null);
}

function gatesOf(documents: Map<string, unknown>): GateFacts[] {
  const requests = all<GateDoc>(documents, "gates/").filter(({ evidence }) => evidence.endsWith("/request"));
  return byTime(requests, (request) => request.openedAt).map((request) => {
    const evidence = Doc.gateDecision(request.gate, request.attempt);
    const decision = one<GateDecisionDoc>(documents, evidence);
    return {
      request,
      decision: decision && { ...decision, evidence },
      withheld: one<WithheldDoc>(documents, Doc.gateWithheld(request.gate, request.attempt)),
      objections: byTime(
        all<GateObjectionDoc>(documents, `gates/${request.gate}-${request.attempt}/no-go-`),
        ({ at }) => at,
      ),
    };
  });
}

/** Only the state of a link is used. A visit to a gate's page adds a link without a state. */
function readStates(documents: Map<string, unknown>): void {
  for (const [name, document] of documents) {
    if (!name.startsWith(CHAIN)) continue;
    const { state } = document as LinkDoc;
    if (state) documents.set(name, { ...state, at: state.doneAt ?? state.enteredAt });
    else documents.delete(name);
  }
}

/** Lists each state once, from when it was first entered to when it was first done. */
function statesOf(documents: Map<string, unknown>): StateFacts[] {
  const states = new Map<string, StateFacts>();
  const note = (
    { state, phase, version }: Omit<StateDoc, "at">,
    enteredAt: string,
    doneAt: string | null,
  ) => {
    const known = states.get(state);
    const done = [known?.doneAt, doneAt].filter((at) => typeof at === "string").sort(compare);
    states.set(state, {
      state,
      phase: phase ?? null,
      version: version ?? null,
      enteredAt: known && known.enteredAt < enteredAt ? known.enteredAt : enteredAt,
      doneAt: done[0] ?? null,
    });
  };
  for (const { evidence, at, ...state } of all<StateDoc>(documents, "states/"))
    if (!evidence.endsWith("-done"))
      note(state, at, one<StateDoc>(documents, `${evidence}-done`)?.at ?? null);
  for (const { enteredAt, doneAt, ...state } of all<CalledState>(documents, CHAIN))
    note(state, enteredAt, doneAt);
  // Entry times can be equal; then the state done earlier was entered earlier.
  return byTime(
    byTime([...states.values()], (state) => state.doneAt ?? END_OF_TIME),
    (state) => state.enteredAt,
  );
}

const END_OF_TIME = "9";

function forgetAfter(documents: Map<string, unknown>, end: string): void {
  for (const [name, document] of documents)
    if (/^(states|failures|chain)\//.test(name) && (document as { at: string }).at > end)
      documents.delete(name);
}

// Times are ISO 8601 in UTC with milliseconds, so they sort as text.
const TIMES = ["at", "startedAt", "endedAt", "openedAt"] as const;

function latest(documents: Map<string, unknown>): string | undefined {
  return [...documents.values()]
    .flatMap((document) => TIMES.map((key) => (document as Record<string, unknown> | undefined)?.[key]))
    .filter((time): time is string => typeof time === "string")
    .sort(compare)
    .at(-1);
}

function byTime<T>(items: readonly T[], time: (item: T) => string): T[] {
  return [...items].sort((a, b) => compare(time(a), time(b)));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
