import * as z from "zod";
import { ErrorName, messageOf, SluiceError } from "../shared/errors.ts";
import type { Environment } from "../shared/ports.ts";
import type { ListedDatabase } from "../shared/rollout-documents.ts";
import type { RunDatabase } from "../shared/settings.ts";
import { chosen, fullName } from "../shared/settings.ts";

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
