import { CHAIN, type HashedFile, type LinkDoc, linkFile, numberOf } from "./chain.ts";
import { docName } from "./documents.ts";
import type { RunEvidence } from "./evidence.ts";
import { sha256 } from "./sha256.ts";
import { isSecret } from "./sight.ts";

/** Lists every file of a run's evidence at the end. People see the manifest's own SHA-256: it stands for all files. */
export interface ManifestDoc {
  version: 1;
  run: string;
  at: string;
  /** Number of links in the chain, and the SHA-256 of the last link; null: the chain was empty. */
  chain: { links: number; head: string | null };
  /**
   * All files by name, sorted, except the chain, secrets that are in no link, and this file. The report shows this
   * file's hash, so it cannot be hashed with it: the hash listed for the report's files is that of their text with
   * NO_HASH in its place.
   */
  files: HashedFile[];
}

export const MANIFEST_DOCUMENT = docName<ManifestDoc>("manifest");
export const MANIFEST_FILE = `${MANIFEST_DOCUMENT}.json`;
export const REPORT_FILES = ["report.html", "report.json"] as const;

/** Placeholder in a report for the manifest's hash until that is known. */
export const NO_HASH = "0".repeat(64);

/** False for lease files: they change, and belong to no run's evidence. */
export const isEvidence = (file: string) => !/^leases\/[^/]+\.json(\.lock)?$/.test(file);

/** Returns all files that the manifest covers: those it names, and the chain up to its last link. */
export function coveredBy({ files, chain }: ManifestDoc): string[] {
  return [
    ...files.map(({ name }) => name),
    ...Array.from({ length: chain.links }, (_, place) => linkFile(place + 1)),
  ];
}

export function manifestText(manifest: ManifestDoc): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

const AT_ONCE = 16;

/**
 * Returns the manifest of these files. It takes their hashes from the chain, and reads only files that are in no link.
 * A file that was changed after it was linked therefore does not match the manifest.
 */
export async function takeManifest(
  evidence: RunEvidence,
  names: readonly string[],
  at: string,
  reports: readonly HashedFile[],
): Promise<ManifestDoc> {
  const links = names.filter((name) => name.startsWith(CHAIN));
  const hashes = new Map<string, string>();
  let head: string | null = null;
  await inTurns(links, async (file) => {
    const text = (await evidence.readFile(file)) ?? "";
    if (file === links.at(-1)) head = sha256(text);
    for (const { name, sha256 } of filesOf(text)) hashes.set(name, sha256);
  });
  const listed = names.filter(
    (name) =>
      isEvidence(name) &&
      !name.startsWith(CHAIN) &&
      name !== MANIFEST_FILE &&
      !(REPORT_FILES as readonly string[]).includes(name),
  );
  await inTurns(
    listed.filter((name) => !hashes.has(name) && !isSecret(name)),
    async (name) => {
      const text = await evidence.readFile(name);
      if (text !== undefined) hashes.set(name, sha256(text));
    },
  );
  const files = listed.flatMap((name) => {
    const hash = hashes.get(name);
    return hash === undefined ? [] : [{ name, sha256: hash }];
  });
  return {
    version: 1,
    run: evidence.run,
    at,
    chain: { links: links.length === 0 ? 0 : numberOf(links.at(-1) ?? ""), head },
    files: [...files, ...reports].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

async function inTurns(names: readonly string[], work: (name: string) => Promise<void>): Promise<void> {
  for (let i = 0; i < names.length; i += AT_ONCE) await Promise.all(names.slice(i, i + AT_ONCE).map(work));
}

function filesOf(link: string): HashedFile[] {
  try {
    return (JSON.parse(link) as LinkDoc).files;
  } catch {
    return [];
  }
}
