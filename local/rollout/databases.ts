import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { RunDatabase } from "../../lambdas/shared/settings.ts";
import { UsageError } from "../events.ts";
import { addressIn } from "../server/address.ts";
import type { RolloutOptions } from "./events.ts";

/** A database of a rollout on this machine. */
export interface RolloutDatabase {
  /** Its name; no other of the rollout has it. */
  label: string;
  /** Absent: an embedded one, made from the plan's baseline. */
  url?: string;
}

/** What the one database of an embedded instance is called. */
export const EMBEDDED_DATABASE = "postgres";

/** How many embedded databases a rollout has that is given none. */
const EMBEDDED = 10;

/** Databases that are made for the rollout, from the plan's baseline. */
export function embeddedDatabases(count: number = EMBEDDED): RolloutDatabase[] {
  const digits = String(count).length;
  return Array.from({ length: count }, (_, i) => ({
    label: `tenant-${String(i + 1).padStart(digits, "0")}`,
  }));
}

/**
 * The databases that a file names: one on each line, by its URL or as `service=name`. Blank lines and lines that begin
 * with # count for nothing.
 * @throws UsageError with the line of each mistake, such as two databases of one name; a URL may hold a password, and is
 * never repeated
 */
export async function databasesIn(file: string): Promise<RolloutDatabase[]> {
  const text = await readFile(file, "utf8");
  const mistakes: string[] = [];
  const found = new Map<string, { url: string; line: number }>();
  for (const [index, given] of text.split(/\r?\n/).entries()) {
    const url = given.trim();
    if (url === "" || url.startsWith("#")) continue;
    const line = index + 1;
    try {
      const { database } = addressIn(url, `${file}, line ${line},`);
      const before = found.get(database);
      if (before)
        mistakes.push(
          `${file}, line ${line}, names a database ${database}, as line ${before.line} does. A rollout on this machine distinguishes databases only by name: if they are on two servers, make a rollout for each server.`,
        );
      else found.set(database, { url, line });
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      mistakes.push(error.message);
    }
  }
  if (mistakes.length > 0) throw new UsageError(mistakes.join("\n"));
  if (found.size === 0)
    throw new UsageError(
      `${file} names no database. Give one on each line, such as postgresql://me@localhost/tenant_1.`,
    );
  return [...found].map(([label, { url }]) => ({ label, url }));
}

/**
 * What its run's evidence and the rollout's list call it. Each is an instance of its own, so that runs on one server do
 * not wait for each other.
 */
export function databaseOf(
  { label, url }: RolloutDatabase,
  rollout: string,
  { apply, copy }: Pick<RolloutOptions, "apply" | "copy">,
): RunDatabase {
  const instance = url === undefined || apply ? label : copyName(label, rollout);
  const database = url === undefined ? EMBEDDED_DATABASE : copy === "physical" ? label : instance;
  return { label, instance, database, applicationRoles: [], alarms: [] };
}

/** PostgreSQL's names have 63 bytes at most. */
function copyName(label: string, rollout: string): string {
  const digest = createHash("sha256").update(`${rollout}/${label}`).digest("hex").slice(0, 8);
  return `sluice-production-${label.replace(/[^\w-]/g, "_").slice(0, 30)}-${digest}`;
}
