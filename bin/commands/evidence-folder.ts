import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { DocumentName } from "../../lambdas/shared/documents.ts";
import { messageOf } from "../../lambdas/shared/errors.ts";
import type { RunEvidence } from "../../lambdas/shared/evidence.ts";
import type { EvidenceStore } from "../../lambdas/shared/ports.ts";
import { UsageError } from "../../local/events.ts";
import { needFolder } from "./plan-folder.ts";

/**
 * Opens the evidence of one run in a folder.
 * @throws UsageError if the folder has no evidence
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

/** Name of the run that the evidence belongs to. */
async function runIn(folder: string): Promise<string> {
  const read = async (name: string) =>
    await readFile(join(folder, name), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
  if ((await read("plan.json")) === undefined)
    throw new UsageError(`${folder} has no evidence of a run: plan.json is missing.`);
  const request = await read("request.json");
  if (request === undefined) return basename(folder);
  const { run } = parsed(request, join(folder, "request.json")) as { run?: unknown };
  if (typeof run !== "string" || run === "")
    throw new UsageError(`${join(folder, "request.json")} is damaged: it does not name its run.`);
  return run;
}

/** Names the document in the error when it is cut off or is not JSON. */
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
    throw new UsageError(
      `${file} is damaged: it is not a complete JSON document (${messageOf(error)}). ${AGAIN}`,
    );
  }
  if (typeof value !== "object" || value === null)
    throw new UsageError(`${file} is damaged: it has no document. ${AGAIN}`);
  return value;
}

const AGAIN = "Copy the evidence again from its source.";

/**
 * Does the work on the evidence.
 * @param again whether the work may run a second time, to find the document that is damaged
 * @throws UsageError that names the document which a run would not have written
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

/** A run writes whole documents. One of another shape was changed afterwards, so it is no bug. */
function isAboutShape(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true;
  return error instanceof Error && error.constructor === Error && !("code" in error);
}

/** The last value that was looked up and missing before the work failed. */
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
