import { ErrorName, SluiceError } from "./errors.ts";
import type { CompiledPlan } from "./plan.ts";
import type { EvidenceStore, Plans } from "./ports.ts";
import { type Publication, publicationsOf } from "./publications.ts";
import { sha256 } from "./sha256.ts";

/**
 * Format of a compiled plan's document. Raise it when this code would misread an older document, or older code would
 * misread this code's documents. A run keeps its document when a newer Sluice is deployed, so the readers of former
 * formats stay here, in READERS.
 */
export const PLAN_FORMAT = 2;

/** What is stored under `plans/<checksum>.json`. */
interface PlanDocument {
  /** For people. Not part of the checksum, as the same plan may be compiled from another folder. */
  name: string;
  plan: Written;
}

type Written = { format: number } & Omit<CompiledPlan, "name" | "checksum">;

/** For each readable format, the function that converts it into this code's plan. */
const READERS: Readonly<Record<number, (written: Written) => Read>> = {
  1: asWritten,
  // An older Sluice would misread three parts of it: roles still to be found as no roles, the restore as a rollback file,
  // and a tool's version table as a plain one.
  2: asWritten,
};

type Read = Omit<CompiledPlan, "name" | "checksum">;

function asWritten({ format: _, ...plan }: Written): Read {
  return plan;
}

/** Returns the compiled plan with its checksum, which covers everything that a run uses. */
export function bound({ name, ...plan }: Omit<CompiledPlan, "checksum">): CompiledPlan {
  // The plan as it will be read back: JSON drops undefined values, so they are dropped here too.
  const written = JSON.parse(JSON.stringify({ format: PLAN_FORMAT, ...plan })) as Written;
  return { name, ...asWritten(written), checksum: checksumOf(written) };
}

/** Returns the text of a plan's document. */
export function documentOf({ name, checksum: _, ...plan }: CompiledPlan): string {
  const document: PlanDocument = { name, plan: { format: PLAN_FORMAT, ...plan } };
  return `${JSON.stringify(document)}\n`;
}

/**
 * Returns the plan with that checksum from its document.
 * @throws SluiceError PlanUnusable where the checksum differs, the document was changed, or this code cannot read its format
 */
export function planIn(text: string, checksum: string): CompiledPlan {
  const refuse = (what: string, mend: string) =>
    new SluiceError(ErrorName.PlanUnusable, `The plan ${planKey(checksum)} cannot be used: ${what}. ${mend}`);
  const { name, plan } = documentIn(text) ?? {};
  if (typeof name !== "string" || typeof plan !== "object" || plan === null)
    throw refuse("it is not a plan document", PUBLISH_AGAIN);
  if (checksumOf(plan) !== checksum)
    throw refuse(
      `it was changed after it was published, and its checksum is now ${checksumOf(plan).slice(0, 12)}`,
      PUBLISH_AGAIN,
    );
  const read = READERS[plan.format];
  if (!read)
    throw refuse(
      `its format is ${plan.format}, and this version of Sluice reads ${Object.keys(READERS).join(", ")}`,
      plan.format > PLAN_FORMAT
        ? "A newer Sluice published it. Deploy that version first, or publish the plan with the deployed version."
        : "Publish the plan again with the deployed version.",
    );
  return { name, ...read(plan), checksum };
}

const PUBLISH_AGAIN =
  "None of it was run. Check who may write to plans/ in the bucket, and restore the published version of the object.";

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

/** A plan's name in an execution's input: its checksum, or at least the first twelve digits of it. */
export const PLAN_NAME = /^[0-9a-f]{12,64}$/;

// A worker serves one run at a time, and its sandbox may serve the next one.
const REMEMBERED = 2;

/**
 * Stores a plan's document once. Publishing the same plan again changes nothing.
 * @throws SluiceError PlanUnusable where the text, or a document already stored under its name, does not match the checksum
 */
export async function storePlan(
  store: Pick<EvidenceStore, "create" | "read">,
  text: string,
  checksum: string,
): Promise<"stored" | "there already"> {
  planIn(text, checksum);
  if (await store.create(planKey(checksum), text, "application/json")) return "stored";
  planIn((await store.read(planKey(checksum))) ?? "", checksum);
  return "there already";
}

/** The plans in a store. A document never changes, so it is read and verified once. */
export class StoredPlans implements Plans {
  private readonly known = new Map<string, CompiledPlan>();

  constructor(
    private readonly store: Pick<EvidenceStore, "read" | "list">,
    private readonly standardOf: () => string,
  ) {}

  get standard(): string {
    return this.standardOf();
  }

  async read(checksum: string): Promise<CompiledPlan> {
    const known = this.known.get(checksum);
    if (known) return known;
    const text = await this.store.read(planKey(checksum));
    if (text === undefined)
      throw new SluiceError(
        ErrorName.PlanUnusable,
        `The evidence bucket has no plan ${planKey(checksum)}. Publish it again: \`npx sluice publish\` with the same files and the same version of Sluice makes the same document.`,
      );
    const plan = planIn(text, checksum);
    const oldest = this.known.keys().next().value;
    if (this.known.size >= REMEMBERED && oldest !== undefined) this.known.delete(oldest);
    this.known.set(checksum, plan);
    return plan;
  }

  publications(checksum: string): Promise<Publication[]> {
    return publicationsOf(this.store, checksum);
  }

  async find(beginning: string): Promise<string> {
    const found = (await this.store.list(`plans/${beginning}`)).flatMap(
      (key) => /^plans\/([0-9a-f]{64})\.json$/.exec(key)?.[1] ?? [],
    );
    const [only, ...others] = found;
    if (only !== undefined && others.length === 0) return only;
    throw new SluiceError(
      ErrorName.RequestInvalid,
      only === undefined
        ? `No published plan has a checksum that begins with ${beginning}. \`npx sluice publish\` publishes a plan and prints its checksum.`
        : `Several published plans have a checksum that begins with ${beginning}: ${found.join(", ")}. Give more digits.`,
    );
  }
}
