import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { DocumentName } from "../../lambdas/shared/documents.ts";
import { messageOf } from "../../lambdas/shared/errors.ts";
import type { RunEvidence } from "../../lambdas/shared/evidence.ts";
import type { EvidenceStore } from "../../lambdas/shared/ports.ts";
import { UsageError } from "../../local/events.ts";
import { needFolder } from "./plan-folder.ts";

/**
 * The evidence of one run, from a folder that holds it.
 * @throws UsageError where it holds none
 */
export async function evidenceIn(dir: string): Promise<{ folder: string; evidence: RunEvidence }> {
  const folder = resolve(dir);
  await needFolder(dir, "give the folder with the evidence of a run");
  const [{ evidenceOf }, { fileEvidence }] = await Promise.all([
    import("../../lambdas/shared/evidence.ts"),
    import("../../local/file-evidence.ts"),
  ]);
  return { folder, evidence: evidenceOf(readable(fileEvidence(folder), folder), await runIn(folder)) };
}

/** Name of the run that this evidence is of. */
async function runIn(folder: string): Promise<string> {
  const read = async (name: string) =>
    await readFile(join(folder, name), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
  if ((await read("plan.json")) === undefined)
    throw new UsageError(`${folder} holds no evidence of a run: plan.json is not in it.`);
  const request = await read("request.json");
  if (request === undefined) return basename(folder);
  const { run } = parsed(request, join(folder, "request.json")) as { run?: unknown };
  if (typeof run !== "string" || run === "")
    throw new UsageError(`${join(folder, "request.json")} is damaged: it names no run.`);
  return run;
}

/** Says of a document that is cut off or no JSON which one it is. */
function readable(store: EvidenceStore, folder: string): EvidenceStore {
  return {
    ...store,
    async read(key) {
      const body = await store.read(key);
      if (body !== undefined && key.endsWith(".json")) parsed(body, join(folder, ...key.split("/").slice(2)));
      return body;
    },
  };
}

function parsed(body: string, file: string): object {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    throw new UsageError(`${file} is damaged: it is no whole JSON document (${messageOf(error)}). ${AGAIN}`);
  }
  if (typeof value !== "object" || value === null)
    throw new UsageError(`${file} is damaged: it holds no document. ${AGAIN}`);
  return value;
}

const AGAIN = "Copy the evidence again from where it is from.";

/**
 * Does the work with what the evidence says.
 * @param again whether the work may be done once more, to find out which document is in the way
 * @throws UsageError with that document, where it is not what a run writes
 */
export async function fromEvidence<T>(
  evidence: RunEvidence,
  folder: string,
  work: (evidence: RunEvidence) => Promise<T>,
  again = true,
): Promise<T> {
  try {
    return await work(evidence);
  } catch (error) {
    if (!isAboutShape(error)) throw error;
    const missed = again ? await lastMissed(evidence, work) : undefined;
    const what = missed
      ? `${join(folder, `${missed.name}.json`)} is damaged: it has no ${missed.path}`
      : `The evidence in ${folder} is damaged`;
    throw new UsageError(`${what} (${messageOf(error)}). ${AGAIN}`, { cause: error });
  }
}

/** What is read was written by a run, unless somebody changed it: what does not fit is no fault of who reads. */
function isAboutShape(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true;
  return error instanceof Error && error.constructor === Error && !("code" in error);
}

/** What was looked for last in vain before the work fails. */
interface Missed {
  name: string;
  path: string;
}

async function lastMissed(
  evidence: RunEvidence,
  work: (evidence: RunEvidence) => Promise<unknown>,
): Promise<Missed | undefined> {
  let last: Missed | undefined;
  const watched = <V>(value: V, name: string, path: string): V =>
    typeof value !== "object" || value === null
      ? value
      : new Proxy(value, {
          get(target, key, receiver) {
            const found: unknown = Reflect.get(target, key, receiver);
            if (typeof key === "symbol" || typeof found === "function") return found;
            const at = path === "" ? key : `${path}.${key}`;
            if (found === undefined || found === null) last = { name, path: at };
            return watched(found, name, at);
          },
        });
  const read = async <V>(name: DocumentName<V>): Promise<V | undefined> =>
    watched(await evidence.read(name), name, "");
  try {
    await work({
      ...evidence,
      read,
      require: async (name) => (await read(name)) ?? (await evidence.require(name)),
    });
  } catch {
    return last;
  }
  return undefined;
}
