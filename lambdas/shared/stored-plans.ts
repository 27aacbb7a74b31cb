import { ErrorName, SluiceError } from "./errors.ts";
import type { CompiledPlan } from "./plan.ts";
import { planIn, planKey } from "./plan-document.ts";
import type { EvidenceStore, Plans } from "./ports.ts";
import { type Publication, publicationsOf } from "./publications.ts";

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
