import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { reportFilesOf } from "../../lambdas/report/task.ts";
import { CHAIN } from "../../lambdas/shared/chain.ts";
import type { RunEvidence } from "../../lambdas/shared/evidence.ts";
import {
  coveredBy,
  MANIFEST_FILE,
  type ManifestDoc,
  NO_HASH,
  REPORT_FILES,
} from "../../lambdas/shared/manifest.ts";
import { sha256 } from "../../lambdas/shared/sha256.ts";
import { isSecret } from "../../lambdas/shared/sight.ts";
import { hashedFiles, readChain } from "./chain.ts";
import { differences } from "./differences.ts";
import { filesIn } from "./files.ts";
import { recomputeVerdict, type Verdict } from "./verdict.ts";

const manifestSchema = z.object({
  version: z.literal(1),
  run: z.string(),
  at: z.string(),
  chain: z.object({ links: z.int().nonnegative(), head: z.string().nullable() }),
  files: hashedFiles,
});

export interface Verified {
  /** A line for each difference between the folder and what the run wrote; empty if it is whole. */
  findings: string[];
  /** Number of files that the manifest covers. */
  covered: number;
  /** Files that were written after the manifest, which only the chain covers. */
  after: string[];
  /** SHA-256 of the manifest in the folder; null if there is none. */
  manifest: string | null;
  /** The verdict from the evidence, whatever its report states; null if the evidence is not enough for one. */
  verdict: Verdict | null;
}

/**
 * Compares a folder of evidence with its manifest and its chain, and makes its verdict again.
 * @param hash of the manifest, as the final message shows it
 */
export async function verifyEvidence(
  folder: string,
  evidence: RunEvidence,
  hash: string | undefined,
): Promise<Verified> {
  const { hashes, strange } = await filesIn(folder);
  const findings = strange.map((name) => `added: ${name} is a link or a special file`);
  const manifest = await manifestIn(folder, hashes, hash, findings);
  const own = hashes.get(MANIFEST_FILE) ?? null;
  const chain = await readChain(folder, [...hashes.keys()], manifest);
  findings.push(...chain.findings);

  const expected = new Map((manifest?.files ?? chain.during).map(({ name, sha256 }) => [name, sha256]));
  const after = chain.after.filter(({ name }) => !expected.has(name) && !isSealing(name));
  for (const { name, sha256 } of after) expected.set(name, sha256);
  const found = new Map([...hashes].filter(([name]) => name !== MANIFEST_FILE && !name.startsWith(CHAIN)));
  if (manifest && own) await unseal(folder, evidence, [...hashes.keys()], found, expected, own);
  for (const name of expected.keys()) if (isSecret(name) && !found.has(name)) expected.delete(name);
  // A gate's token in no link cannot be checked. It no longer opens anything.
  for (const name of found.keys())
    if (isSecret(name) && !expected.has(name) && expected.has(join(dirname(name), "request.json")))
      found.delete(name);
  findings.push(...differences(expected, found, new Set(after.map(({ name }) => name))));

  const verdict = await recomputeVerdict(
    evidence,
    // A folder or a pipe with the name of a file is not read: it is reported as removed.
    manifest ? coveredBy(manifest).filter((name) => hashes.has(name)) : [...hashes.keys()],
    own,
  );
  findings.push(...(verdict?.findings ?? []));
  return {
    findings,
    covered: manifest?.files.length ?? 0,
    after: after.map(({ name }) => name),
    manifest: own,
    verdict,
  };
}

const isSealing = (name: string) =>
  name === MANIFEST_FILE || (REPORT_FILES as readonly string[]).includes(name);

async function manifestIn(
  folder: string,
  hashes: ReadonlyMap<string, string>,
  hash: string | undefined,
  findings: string[],
): Promise<ManifestDoc | undefined> {
  const own = hashes.get(MANIFEST_FILE);
  if (own === undefined) {
    findings.push(
      hashes.has("outcome.json")
        ? `cut off: the run has ended, but ${MANIFEST_FILE}, the end of its evidence, is missing`
        : `cut off: there is no ${MANIFEST_FILE}. The run has not ended, or the end of its evidence is missing`,
    );
    return undefined;
  }
  if (hash !== undefined && own !== hash)
    findings.push(
      `changed: ${MANIFEST_FILE} does not have the given hash, but ${own}. Nothing here can be relied on`,
    );
  try {
    return manifestSchema.parse(JSON.parse(await readFile(join(folder, MANIFEST_FILE), "utf8")));
  } catch {
    findings.push(`changed: ${MANIFEST_FILE} cannot be read`);
    return undefined;
  }
}

/**
 * The report's files show the manifest's hash, and the manifest has their hashes from before that. A report that was made
 * again from the evidence, as by `sluice report`, counts as the same.
 */
async function unseal(
  folder: string,
  evidence: RunEvidence,
  names: readonly string[],
  found: Map<string, string>,
  expected: ReadonlyMap<string, string>,
  own: string,
): Promise<void> {
  let again: Promise<Record<string, string>> | undefined;
  for (const name of REPORT_FILES) {
    const right = expected.get(name);
    if (!found.has(name) || right === undefined) continue;
    const text = await readFile(join(folder, name), "utf8");
    // If the hash was removed, the text may be the one from before it was added, which no run leaves.
    found.set(name, text.includes(NO_HASH) ? "" : sha256(text.replaceAll(own, NO_HASH)));
    if (found.get(name) === right) continue;
    again ??= remade(evidence, names, own);
    if ((await again)[name] === text) found.set(name, right);
  }
}

async function remade(
  evidence: RunEvidence,
  names: Iterable<string>,
  manifest: string,
): Promise<Record<string, string>> {
  const files = await reportFilesOf(evidence, names, manifest).catch(() => undefined);
  return files ? { "report.json": files.json, "report.html": files.html } : {};
}
