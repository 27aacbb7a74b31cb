import * as z from "zod";
import { nameProblem } from "../gate/names.ts";
import { line, text } from "../gate/said.ts";
import { summarizePlan } from "../report/plan-summary.ts";
import { Doc, type ProductionDoc, type RequestDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { KEEP_UNTIL, runTags } from "../shared/names.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import { PLAN_NAME } from "../shared/plan-document.ts";
import type { Environment, Instances, Tags } from "../shared/ports.ts";
import { named } from "../shared/publications.ts";
import { ROLLOUT_NAME } from "../shared/rollout-documents.ts";
import { chosen, ofItsDatabase, type RunSettings } from "../shared/settings.ts";
import { DONE, refuseAnothersEvidence, runFields, type Task } from "../shared/task.ts";
import { moment } from "../shared/text.ts";
import { releaseLease, takeLease } from "./lease.ts";
import { isOutside, windowOf, windowText } from "./window.ts";

const event = z.discriminatedUnion("action", [
  z.strictObject({ ...runFields, action: z.literal("admit"), input: z.unknown() }),
  z.strictObject({ ...runFields, action: z.literal("release") }),
]);

export const admitTask: Task<z.infer<typeof event>> = {
  name: "admit",
  event,
  async run(request, ports, evidence) {
    if (request.action === "release") {
      const admitted = await evidence.read(Doc.request);
      if (admitted) await releaseLease(ports, admitted.instance, request.run);
      return DONE;
    }
    await admit(request.input, request, ports, evidence);
    const { plan, rollout } = await evidence.require(Doc.request);
    // The machine passes the checksum to every task that follows, and reads the other after the smoke tests.
    return { ...DONE, checksum: plan.checksum, ...(rollout?.held ? { held: "held" } : {}) };
  },
};

/** The input that an operator gives to StartExecution; all fields are optional. Texts follow the rules of a gate's form. */
export const operatorInput = z.strictObject({
  startedBy: line(200)
    .superRefine((name, context) => {
      const message = nameProblem(name);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
    .optional(),
  reason: text(2000).optional(),
  /** Checksum of a published plan, or its first letters; default: the deployed plan. */
  plan: z
    .string()
    .regex(PLAN_NAME, "the checksum of a published plan, or its first twelve letters, in lower case")
    .optional(),
  /** Which of the deployment's databases to migrate; needed only if there are several. */
  database: line(200).optional(),
  /** Where in a rollout it belongs; the rollout gives it. */
  rollout: z
    .strictObject({
      name: z.string().regex(ROLLOUT_NAME, "a rollout's name"),
      wave: z.number().int().positive(),
      index: z.number().int().nonnegative(),
      held: z.boolean(),
    })
    .optional(),
  /** Why this run may be outside the maintenance window. */
  outsideWindow: text(2000)
    .transform((why) => why.trim())
    .refine((why) => why !== "", "give a reason")
    .optional(),
});

/**
 * Parses the operator's input, binds the run to its plan and database, takes the lease and inspects production's
 * instance.
 * @throws SluiceError RequestInvalid, PlanUnusable, WindowClosed, RunLocked, or FleetFailed if the instance is missing
 */
export async function admit(
  input: unknown,
  { execution, started }: { execution: string; started?: string | undefined },
  environment: Environment,
  evidence: RunEvidence,
): Promise<void> {
  const parsed = operatorInput.safeParse(input);
  if (!parsed.success)
    throw new SluiceError(
      ErrorName.RequestInvalid,
      `The execution's input is not valid: ${z.prettifyError(parsed.error)}. It may have startedBy, reason, plan, database and outsideWindow, or be {}.`,
    );
  const { plans, choice, clock } = environment;
  const { outsideWindow, plan: wanted, database: named, ...said } = parsed.data;
  const of = chosen(choice?.list ?? [environment.settings], named);
  const settings = choice?.settingsOf(of) ?? environment.settings;
  const plan = await plans.read(wanted === undefined ? plans.standard : await plans.find(wanted));
  const { maintenanceWindow: window } = settings;
  const now = clock.now();
  const request = await evidence.createOnce(Doc.request, {
    run: evidence.run,
    execution,
    ...(started === undefined ? {} : { executionStartedAt: started }),
    startedAt: now.toISOString(),
    ...said,
    plan: { name: plan.name, title: plan.title, checksum: plan.checksum },
    ...(await publishedBy(plan, environment)),
    instance: settings.instance,
    database: settings.database,
    ...(choice ? { settings } : {}),
    rehearse: settings.rehearse,
    fence: settings.fence,
    ...(settings.copyOf === undefined ? {} : { copyOf: settings.copyOf }),
    ...(settings.copies === undefined ? {} : { copies: settings.copies }),
    ...(window ? { window: windowOf(window, now, outsideWindow) } : {}),
  });
  // Another run may have written its request at the same moment.
  refuseAnothersEvidence({ run: evidence.run, execution, started }, request);
  // A killed worker may have bound the run before another plan or other settings were deployed. The binding counts.
  const { checksum } = request.plan;
  const ports = ofItsDatabase(environment, request);
  await evidence.getOrCreate(Doc.plan, async () => summarizePlan(await plans.read(checksum)));
  // Decided by the stored request, so that a worker that is called again later decides the same.
  if (window && request.window && isOutside(request.window, request.startedAt))
    throw new SluiceError(
      ErrorName.WindowClosed,
      `This run was started outside the maintenance window (${windowText(window)}), which opens next at ${moment(request.window.begins)}. ` +
        "Start it then, or start it now with outsideWindow in its input, giving the reason why it cannot wait.",
    );
  const id = request.instance;
  await takeLease(ports, id, { run: evidence.run, execution, since: clock.now().toISOString() });

  const instance = await ports.instances.describe(id);
  if (!instance)
    throw new SluiceError(
      ErrorName.FleetFailed,
      `There is no instance ${id} in this account and Region. Check the database's instance in the settings: it must be the identifier of a DB instance that is in no cluster.`,
    );
  if (instance.status !== "available" || !instance.endpoint)
    throw new SluiceError(
      ErrorName.FleetFailed,
      `Instance ${id} is ${instance.statusText}. Start the run again when it is available.`,
    );
  const findings = await ports.instances.inspect?.(id, snapshotTags(ports.settings, evidence.run));
  if (findings && findings.refusals.length > 0)
    throw new SluiceError(
      ErrorName.FleetFailed,
      `${findings.refusals.join(" ")} See docs/operator-runbook.md, "Instances that no run works on".`,
    );
  await evidence.createOnce(Doc.production, {
    at: clock.now().toISOString(),
    identity: instance.identity,
    endpoint: instance.endpoint,
    engineVersion: instance.engineVersion,
    freeBytes: instance.freeBytes ?? null,
    settings: instance.settings,
    ...(instance.backups === undefined ? {} : { backups: instance.backups }),
    ...(await momentsOf(ports.instances, id)),
    ...(findings === undefined ? {} : { findings }),
  });
}

/** How the instance is restored to a moment. The age of its base backup is optional, so a failed look-up is ignored. */
async function momentsOf({ moments }: Instances, instance: string): Promise<Pick<ProductionDoc, "moments">> {
  if (!moments) return {};
  const baseAt = await moments.baseAt(instance).catch(() => undefined);
  return { moments: { by: moments.by, baseAt: baseAt ?? null } };
}

/** Returns who published the plan: at each gate people see whether it is theirs. At a terminal it is the operator. */
export async function publishedBy(
  { checksum }: CompiledPlan,
  { plans, settings, pagesOnly }: Environment,
): Promise<Pick<RequestDoc, "published">> {
  if (!pagesOnly) return {};
  const people = [...(settings.people?.approvers ?? []), ...(settings.people?.escalation ?? [])];
  const publications = await plans.publications(checksum);
  const by = publications.map((one) => ({ ...one, by: named(one.by, people) }));
  return { published: { deployed: checksum === plans.standard, by } };
}

/** All tags that a snapshot can get. */
function snapshotTags(settings: RunSettings, run: string): Tags {
  return { ...runTags(settings, run, "final"), [KEEP_UNTIL]: "" };
}
