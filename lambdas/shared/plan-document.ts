import { ErrorName, SluiceError } from "./errors.ts";
import type { CompiledPlan } from "./plan.ts";
import type { EvidenceStore, Plans } from "./ports.ts";
import { type Publication, publicationsOf } from "./publications.ts";
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

/** What an execution's input may name a plan by: its checksum, or at least the first twelve letters of it. */
export const PLAN_NAME = /^[0-9a-f]{12,64}$/;

// A worker serves one run at a time, and its sandbox perhaps the next: more need not be remembered.
const REMEMBERED = 2;

/**
 * Stores a plan's document, once; whoever publishes the same plan later finds it there.
 * @throws SluiceError PlanUnusable where it is no document of that checksum, or what is there under its name is not
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

/** The plans in a store. A document never changes, so one that was read and verified once is good for ever. */
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
        `There is no plan ${planKey(checksum)} in the evidence bucket. Publish it again: \`npx sluice publish\` with the same files and the same version of Sluice makes the same document.`,
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
        ? `No plan is published whose checksum begins with ${beginning}. \`npx sluice publish\` publishes one, and prints its checksum.`
        : `Several plans' checksums begin with ${beginning}: ${found.join(", ")}. Give more of it.`,
    );
  }
}
