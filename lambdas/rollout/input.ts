import * as z from "zod";
import { nameProblem } from "../gate/names.ts";
import { line, text } from "../gate/said.ts";
import { ErrorName, messageOf, SluiceError } from "../shared/errors.ts";
import { PLAN_NAME } from "../shared/plan-document.ts";
import type { Environment } from "../shared/ports.ts";
import { type ListedDatabase, ROLLOUT_NAME, type WaveSize } from "../shared/rollout-documents.ts";
import { chosen, fullName, type RunDatabase } from "../shared/settings.ts";

/** Steps that an execution's history, of 25,000 events, has room for. */
const MOST_WAVES = 50;

const size = z.union([z.number(), z.string().max(20)]).superRefine((value, context) => {
  const message = whyNoSize(value);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

/** What an operator gives to StartExecution of the rollout's machine. */
export const rolloutInput = z.strictObject({
  /** The execution's name unless given. The name of an earlier rollout continues that rollout. */
  name: z
    .string()
    .regex(ROLLOUT_NAME, "at most 40 letters, digits, - and _, and a letter or digit first")
    .optional(),
  plan: z
    .string()
    .regex(PLAN_NAME, "the checksum of a published plan, or its first twelve letters, in lower case")
    .optional(),
  /** A list in the evidence's bucket, a pattern, or names. */
  databases: z.union([line(1000), z.array(line(200)).min(1).max(10_000)]),
  waves: z.array(size).min(1).max(MOST_WAVES).default([1, "10 %", "rest"]),
  atATime: z.number().int().min(1).max(1_000).default(10),
  tolerated: z.number().int().nonnegative().default(0),
  startedBy: line(200)
    .superRefine((name, context) => {
      const message = nameProblem(name);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
    .optional(),
  reason: text(2000).optional(),
  /** Why its runs may be outside the maintenance window. */
  outsideWindow: text(2000)
    .transform((why) => why.trim())
    .refine((why) => why !== "", "say why")
    .optional(),
});

export type RolloutInput = z.infer<typeof rolloutInput>;

const LIST = z.array(z.string().min(1).max(200)).min(1).max(10_000);

/** Where lists are, in the bucket of the evidence. */
const LISTS = "lists/";

/**
 * The databases that the input means, in order: names, the names in a list of the evidence's bucket, or a pattern.
 * @throws SluiceError RequestInvalid with all that are unknown, ambiguous or named twice
 */
export async function databasesOf(
  wanted: string | readonly string[],
  environment: Pick<Environment, "choice" | "evidence" | "settings">,
): Promise<ListedDatabase[]> {
  const known = environment.choice?.list ?? [environment.settings];
  if (typeof wanted === "string" && !wanted.startsWith("s3://")) return byPattern(wanted, known);
  const names = typeof wanted === "string" ? await listAt(wanted, environment) : wanted;
  const problems: string[] = [];
  const seen = new Map<string, string>();
  const found: ListedDatabase[] = [];
  for (const name of names)
    try {
      const one = listed(chosen(known, name));
      const before = seen.get(one.name);
      if (before !== undefined)
        problems.push(
          before === name
            ? `${name} is in the list twice.`
            : `${before} and ${name} are the same database, ${one.name}.`,
        );
      else found.push(one);
      seen.set(one.name, name);
    } catch (error) {
      problems.push(problemOf(name, known, error));
    }
  if (problems.length > 0) throw refusal(problems);
  return found;
}

function byPattern(pattern: string, known: readonly RunDatabase[]): ListedDatabase[] {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const whole = new RegExp(`^${parts.join(".*")}$`);
  const found = known.filter((one) =>
    [one.label, fullName(one), one.instance, one.database].some((name) => whole.test(name)),
  );
  if (found.length === 0)
    throw refusal([
      `No database of this deployment matches "${pattern}". It has ${some(known.map(fullName))}. In a pattern, * stands for any text.`,
    ]);
  return found.map(listed);
}

async function listAt(url: string, { evidence }: Pick<Environment, "evidence">): Promise<string[]> {
  const [, key = ""] = /^s3:\/\/[^/]+\/(.+)$/.exec(url) ?? [];
  if (!key.startsWith(LISTS) || key.includes(".."))
    throw refusal([
      `The list must be in the bucket of the evidence, under ${LISTS}, as s3://BUCKET/${LISTS}tenants.json: ${url} is not.`,
    ]);
  const body = await evidence.read(key);
  if (body === undefined) throw refusal([`There is no list at ${url}.`]);
  try {
    return LIST.parse(JSON.parse(body));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
    throw refusal([`${url} is no JSON list of names such as ["orders-1/orders", "orders-2/orders"]: ${why}`]);
  }
}

function listed(of: RunDatabase): ListedDatabase {
  return { name: fullName(of), instance: of.instance };
}

/** In few words: `chosen` names every database of the deployment, and there may be thousands. */
function problemOf(name: string, known: readonly RunDatabase[], error: unknown): string {
  const alike = known.filter((one) => [one.instance, one.database].includes(name)).map(fullName);
  if (alike.length > 1) return `"${name}" may be ${some(alike)}.`;
  return error instanceof SluiceError ? `This deployment has no database "${name}".` : messageOf(error);
}

function some(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");
}

function refusal(problems: readonly string[]): SluiceError {
  const shown = problems.slice(0, 10);
  const more = problems.length > shown.length ? ` And ${problems.length - shown.length} more.` : "";
  return new SluiceError(ErrorName.RequestInvalid, `${shown.join(" ")}${more}`);
}

const SHARE = /^(\d+(?:\.\d+)?) ?%$/;

/** Why this is no size of a wave; undefined where it is. */
export function whyNoSize(size: WaveSize): string | undefined {
  if (typeof size === "number")
    return Number.isInteger(size) && size > 0 ? undefined : `${size} is no number of databases`;
  if (size === "rest") return undefined;
  const share = Number(SHARE.exec(size)?.[1] ?? Number.NaN);
  return share > 0 && share <= 100
    ? undefined
    : `"${size}" is none of: a number of databases, a share such as "10 %", "rest"`;
}

/** Returns the number of databases in a wave, given all and those left. A share is of all databases, rounded up. */
export function sizeOf(size: WaveSize, all: number, left: number): number {
  if (size === "rest") return left;
  const share = SHARE.exec(String(size))?.[1];
  return Math.min(left, share === undefined ? Number(size) : Math.ceil((all * Number(share)) / 100));
}

/** Sizes of all waves, as long as none is cut short; waves that would be empty are left out. */
export function sizesOf(waves: readonly WaveSize[], all: number): number[] {
  let left = all;
  const sizes: number[] = [];
  for (const wave of waves) {
    const size = sizeOf(wave, all, left);
    if (size > 0) sizes.push(size);
    left -= size;
  }
  return sizes;
}
