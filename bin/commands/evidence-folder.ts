import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
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
 * @param asked the documents that it asks for; not given, they are found out by doing without each in turn
 * @throws UsageError with the document that is in the way, where it is not what a run writes
 */
export async function fromEvidence<T>(
  evidence: RunEvidence,
  folder: string,
  work: (evidence: RunEvidence) => Promise<T>,
  asked?: readonly string[],
): Promise<T> {
  try {
    return await work(evidence);
  } catch (error) {
    if (!isAboutShape(error)) throw error;
    const suspects = (asked ?? (await blamed(evidence, work, messageOf(error)))).map((name) =>
      join(folder, `${name}.json`),
    );
    const [only] = suspects;
    throw new UsageError(
      only !== undefined && suspects.length === 1
        ? `${only} is damaged: it is not as a run writes it (${messageOf(error)}). ${AGAIN}`
        : `The evidence in ${folder} is damaged: ${messageOf(error)}. ${AGAIN}${
            suspects.length > 0 ? ` It may be one of these:\n${suspects.slice(0, 10).join("\n")}` : ""
          }`,
      { cause: error },
    );
  }
}

/** The documents without which it does not fail so. */
async function blamed(
  evidence: RunEvidence,
  work: (evidence: RunEvidence) => Promise<unknown>,
  message: string,
): Promise<string[]> {
  const found: string[] = [];
  for (const name of await evidence.list("")) {
    const said = await work(without(evidence, name)).then(
      () => "",
      (other: unknown) => messageOf(other),
    );
    if (said !== message) found.push(name);
  }
  return found;
}

/** What is read was written by a run, unless somebody changed it: what does not fit is no fault of who reads. */
function isAboutShape(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true;
  return error instanceof Error && error.constructor === Error && !("code" in error);
}

function without(evidence: RunEvidence, name: string): RunEvidence {
  return {
    ...evidence,
    read: async (wanted) => (wanted === name ? undefined : await evidence.read(wanted)),
  };
}
