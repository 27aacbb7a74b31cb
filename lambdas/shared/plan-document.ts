import { ErrorName, SluiceError } from "./errors.ts";
import type { CompiledPlan } from "./plan.ts";
import { sha256 } from "./sha256.ts";

/**
 * How a compiled plan is written down. It rises when a document of the former format would be misread: by this code, or
 * an older one by this code's documents. A run goes on with its document when a newer Sluice is deployed, so what reads
 * a former format stays here, in READERS.
 */
export const PLAN_FORMAT = 2;

/** What is stored under `plans/<checksum>.json`. */
interface PlanDocument {
  /** For people; not part of the checksum, as the same plan may be compiled from another folder. */
  name: string;
  plan: Written;
}

type Written = { format: number } & Omit<CompiledPlan, "name" | "checksum">;

/** For each format that this code reads: what makes this code's plan of it. */
const READERS: Readonly<Record<number, (written: Written) => Read>> = {
  1: asWritten,
  // What it may leave out or add, an older Sluice would take for something else: roles that are yet to be found for none,
  // the restore for a rollback file, a tool's table of versions for any.
  2: asWritten,
};

type Read = Omit<CompiledPlan, "name" | "checksum">;

function asWritten({ format: _, ...plan }: Written): Read {
  return plan;
}

/** The compiled plan under its checksum, which is of all that a run goes by. */
export function bound({ name, ...plan }: Omit<CompiledPlan, "checksum">): CompiledPlan {
  // As it will be read: what JSON leaves out is not there now either.
  const written = JSON.parse(JSON.stringify({ format: PLAN_FORMAT, ...plan })) as Written;
  return { name, ...asWritten(written), checksum: checksumOf(written) };
}

/** The text of a plan's document. */
export function documentOf({ name, checksum: _, ...plan }: CompiledPlan): string {
  const document: PlanDocument = { name, plan: { format: PLAN_FORMAT, ...plan } };
  return `${JSON.stringify(document)}\n`;
}

/**
 * The plan of that checksum, out of its document.
 * @throws SluiceError PlanUnusable for another's, for one that was changed, and for a format that this code cannot read
 */
export function planIn(text: string, checksum: string): CompiledPlan {
  const refuse = (what: string, mend: string) =>
    new SluiceError(ErrorName.PlanUnusable, `The plan ${planKey(checksum)} cannot be used: ${what}. ${mend}`);
  const { name, plan } = documentIn(text) ?? {};
  if (typeof name !== "string" || typeof plan !== "object" || plan === null)
    throw refuse("it is no plan's document", PUBLISH_AGAIN);
  if (checksumOf(plan) !== checksum)
    throw refuse(
      `it was changed after it was published, and is ${checksumOf(plan).slice(0, 12)} now`,
      PUBLISH_AGAIN,
    );
  const read = READERS[plan.format];
  if (!read)
    throw refuse(
      `its format is ${plan.format}, and this version of Sluice reads ${Object.keys(READERS).join(", ")}`,
      plan.format > PLAN_FORMAT
        ? "A newer Sluice published it: deploy that first, or publish the plan with the version that is deployed."
        : "Publish the plan again with the version that is deployed.",
    );
  return { name, ...read(plan), checksum };
}

const PUBLISH_AGAIN =
  "Nothing of it is run. Look who may write to plans/ in the bucket, and restore the version that was published.";

export function planKey(checksum: string): string {
  return `plans/${checksum}.json`;
}

function checksumOf(written: Written): string {
  return sha256(JSON.stringify(written));
}

function documentIn(text: string): Partial<PlanDocument> | undefined {
  try {
    return JSON.parse(text) as Partial<PlanDocument>;
  } catch {
    return undefined;
  }
}
