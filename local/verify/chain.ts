import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { CHAIN, type HashedFile, type LinkDoc, linkFile, numberOf } from "../../lambdas/shared/chain.ts";
import type { ManifestDoc } from "../../lambdas/shared/manifest.ts";
import { sha256 } from "../../lambdas/shared/sha256.ts";

export const hashedFiles = z.array(
  z.object({ name: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
);
const link = z.object({
  number: z.int(),
  at: z.string(),
  previous: z.string().nullable(),
  files: hashedFiles,
});

export interface ReadChain {
  /** A line for each link that is missing, or differs from the one that its successor names. */
  findings: string[];
  /** The files in the links, in order; those after the manifest are separate. */
  during: HashedFile[];
  after: HashedFile[];
}

/** Follows the chain from its first link to its last, and compares it with the manifest. */
export async function readChain(
  folder: string,
  names: readonly string[],
  manifest: ManifestDoc | undefined,
): Promise<ReadChain> {
  const present = new Set(names.filter((name) => name.startsWith(CHAIN)));
  const stray = [...present].filter((name) => linkFile(numberOf(name)) !== name);
  const findings = stray.map((name) => `added: ${name} is no link of the chain`);
  const newest = Math.max(0, ...[...present].map(numberOf).filter((number) => !Number.isNaN(number)));
  const sealed = manifest?.chain.links ?? 0;
  const [during, after]: [HashedFile[], HashedFile[]] = [[], []];
  let previous: string | null | undefined = null;
  for (let number = 1; number <= Math.max(newest, sealed); number++) {
    const name = linkFile(number);
    const text = present.has(name) ? await readFile(join(folder, name), "utf8") : undefined;
    const read = text === undefined ? undefined : parsed(text);
    if (text === undefined) findings.push(`removed: ${name}, a link of the chain`);
    else if (!read || read.number !== number) findings.push(`changed: ${name} is no link of the chain`);
    else if (previous !== undefined && read.previous !== previous)
      findings.push(
        `changed: ${name} does not follow ${number === 1 ? "the start of the chain" : linkFile(number - 1)}`,
      );
    else if (manifest && number === sealed && sha256(text) !== manifest.chain.head)
      findings.push(`changed: ${name} is not the last link in the manifest`);
    // After a missing or changed link its successor cannot be checked against it, only the files that the successor names.
    previous = read && text !== undefined ? sha256(text) : undefined;
    (manifest === undefined || number <= sealed ? during : after).push(...(read?.files ?? []));
  }
  return { findings, during, after };
}

function parsed(text: string): LinkDoc | undefined {
  try {
    return link.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
