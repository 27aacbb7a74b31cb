import * as z from "zod";
import { publishedBy } from "../admit/task.ts";
import { Doc, type RequestDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import type { Environment } from "../shared/ports.ts";
import {
  type ListedDatabase,
  ROLLOUT_NAME,
  type RolloutDoc,
  RolloutDocs,
} from "../shared/rollout-documents.ts";
import type { RunSettings } from "../shared/settings.ts";
import { databasesOf, type RolloutInput, rolloutInput, sizesOf } from "./input.ts";
import { rolloutLimits } from "./limits.ts";

export interface AdmitRollout {
  /** The execution's own name. */
  run: string;
  execution: string;
  started?: string | undefined;
  input: unknown;
  /** The state machine that runs are executions of. */
  runs: string;
}

/**
 * Parses the input. A new rollout gets its list of databases and its waves. A rollout whose name exists continues, if it
 * is the same.
 * @param evidenceOf evidence of a rollout by its name
 * @returns the rollout's name
 * @throws SluiceError RequestInvalid, PlanUnusable
 */
export async function admitRollout(
  event: AdmitRollout,
  environment: Environment,
  evidenceOf: (name: string) => RunEvidence,
): Promise<string> {
  const input = parse(event.input);
  const name = input.name ?? event.run;
  if (!ROLLOUT_NAME.test(name))
    throw new SluiceError(
      ErrorName.RequestInvalid,
      `"${name}" is no name of a rollout: it has at most 40 letters, digits, - and _. Give "name" in the input.`,
    );
  const evidence = evidenceOf(name);
  const request = await evidence.read(Doc.request);
  const before = await evidence.read(RolloutDocs.rollout);
  if (request && before) await refuseOther(input, { request, before }, environment, evidence);
  else if (request && request.execution !== event.execution)
    throw new SluiceError(
      ErrorName.RequestInvalid,
      `A run is called ${name}. Give the rollout another name.`,
    );
  else await begin(name, input, event, environment, evidence);
  await noteStart(event.execution, environment, evidence);
  return name;
}

function parse(given: unknown): RolloutInput {
  const parsed = rolloutInput.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new SluiceError(
    ErrorName.RequestInvalid,
    `The execution's input is not understood: ${z.prettifyError(parsed.error)}. It holds databases, and may hold name, plan, waves, atATime, tolerated, startedBy, reason and outsideWindow.`,
  );
}

async function begin(
  name: string,
  input: RolloutInput,
  { execution, started, runs }: AdmitRollout,
  environment: Environment,
  evidence: RunEvidence,
): Promise<void> {
  const { plans, clock } = environment;
  const {
    plan: wanted,
    databases: named,
    waves,
    atATime,
    tolerated,
    startedBy,
    reason,
    outsideWindow,
  } = input;
  const plan = await plans.read(wanted === undefined ? plans.standard : await plans.find(wanted));
  const databases = await databasesOf(named, environment);
  await refuseUnfit(databases, plan, input, environment, evidence);
  await evidence.createOnce(RolloutDocs.databases, { databases });
  const settings = settingsOfRollout(name, databases.length, environment);
  await evidence.createOnce(Doc.request, {
    run: name,
    execution,
    ...(started === undefined ? {} : { executionStartedAt: started }),
    startedAt: clock.now().toISOString(),
    ...(startedBy === undefined ? {} : { startedBy }),
    ...(reason === undefined ? {} : { reason }),
    plan: { name: plan.name, title: plan.title, checksum: plan.checksum },
    ...(await publishedBy(plan, environment)),
    instance: settings.instance,
    database: settings.database,
    settings,
    rehearse: settings.rehearse,
    fence: settings.fence,
  });
  await evidence.createOnce(RolloutDocs.rollout, {
    name,
    runs,
    waves,
    atATime,
    tolerated,
    databases: databases.length,
    ...(reason === undefined ? {} : { reason }),
    ...(outsideWindow === undefined ? {} : { outsideWindow }),
  });
}

/** @throws SluiceError RequestInvalid where the waves leave some out, or the rollout is more than AWS allows */
async function refuseUnfit(
  databases: readonly ListedDatabase[],
  plan: CompiledPlan,
  { waves, atATime }: RolloutInput,
  environment: Environment,
  evidence: RunEvidence,
): Promise<void> {
  const sizes = sizesOf(waves, databases.length);
  const left = databases.length - sizes.reduce((sum, size) => sum + size, 0);
  if (left > 0)
    throw new SluiceError(
      ErrorName.RequestInvalid,
      `The waves leave out ${left} of ${databases.length} databases. Make "rest" the last one.`,
    );
  const first = environment.choice?.list[0];
  const common = first ? environment.choice?.settingsOf(first) : undefined;
  const limits = rolloutLimits({
    databases: databases.length,
    instances: new Set(databases.map(({ instance }) => instance)).size,
    waves: sizes,
    atATime,
    migrations: plan.migrations.length,
    ...(common?.backup === undefined ? {} : { backup: common.backup }),
    ...(common?.snapshotAfterOpening ? { keepsSnapshot: true } : {}),
    clusters: common?.cluster !== undefined,
  });
  await evidence.createOnce(RolloutDocs.limits, limits);
  if (limits.problems.length > 0) throw new SluiceError(ErrorName.RequestInvalid, limits.problems.join(" "));
}

/** What the rollout's own gates know: its name stands where a run's has its database. */
function settingsOfRollout(name: string, databases: number, environment: Environment): RunSettings {
  const first = environment.choice?.list[0];
  const { cluster, secretArn, iamUser, applicationUrl, maintenanceWindow, ...common } =
    (first ? environment.choice?.settingsOf(first) : undefined) ?? environment.settings;
  return {
    ...common,
    label: name,
    instance: name,
    database: databases === 1 ? "1 database" : `${databases} databases`,
    applicationRoles: [],
    alarms: [],
  };
}

/** @throws SluiceError RequestInvalid where the rollout of that name is another, or is still under way */
async function refuseOther(
  input: RolloutInput,
  { request, before }: { request: RequestDoc; before: RolloutDoc },
  environment: Environment,
  evidence: RunEvidence,
): Promise<void> {
  const differs: string[] = [];
  const checksum =
    input.plan === undefined ? environment.plans.standard : await environment.plans.find(input.plan);
  if (checksum !== request.plan.checksum)
    differs.push(`its plan is ${request.plan.name} (${request.plan.checksum.slice(0, 12)})`);
  const { databases } = await evidence.require(RolloutDocs.databases);
  const names = databases.map(({ name }) => name).join("\n");
  const given = (await databasesOf(input.databases, environment)).map(({ name }) => name).join("\n");
  if (names !== given) differs.push(`it has other databases (${databases.length})`);
  for (const key of ["waves", "atATime", "tolerated"] as const)
    if (JSON.stringify(input[key]) !== JSON.stringify(before[key]))
      differs.push(`its ${key} is ${JSON.stringify(before[key])}`);
  if (differs.length > 0)
    throw new SluiceError(
      ErrorName.RequestInvalid,
      `There is a rollout ${before.name}, and this one differs: ${differs.join("; ")}. Give the same input to continue it, or another name to begin a new one.`,
    );
}

/** @throws SluiceError RequestInvalid where an earlier start is still under way: two would decide about the same waves */
async function noteStart(
  execution: string,
  { executions, clock }: Environment,
  evidence: RunEvidence,
): Promise<void> {
  for (let n = 1; ; n++) {
    const before = await evidence.read(RolloutDocs.start(n));
    if (before?.execution === execution) return;
    if (before) {
      if (await executions.isRunning(before.execution, true))
        throw new SluiceError(
          ErrorName.RequestInvalid,
          `Rollout ${evidence.run} is under way, as ${before.execution}. Wait until it has ended, or stop it; the runs that it started then continue to their end.`,
        );
      continue;
    }
    const start = { at: clock.now().toISOString(), execution };
    const kept = await evidence.createOnce(RolloutDocs.start(n), start);
    if (kept.execution === execution) return;
  }
}
