import { CHAIN, type HashedFile, type LinkDoc, linkFile, numberOf } from "./chain.ts";
import { docName } from "./documents.ts";
import type { RunEvidence } from "./evidence.ts";
import { sha256 } from "./sha256.ts";

/** Every file of a run's evidence at its end. Its own SHA-256 is what people are shown: it stands for all of them. */
export interface ManifestDoc {
  version: 1;
  run: string;
  at: string;
  /** How long the chain was, and the SHA-256 of its last link; null: there was none. */
  chain: { links: number; head: string | null };
  /**
   * By name, in the order of their names: all but the chain, gates' tokens that are in no link, and this file. The
   * report shows this file's hash, and cannot be hashed with it: what stands here for its files is the hash of their
   * text with NO_HASH in its place.
   */
  files: HashedFile[];
}

export const MANIFEST_DOCUMENT = docName<ManifestDoc>("manifest");
export const MANIFEST_FILE = `${MANIFEST_DOCUMENT}.json`;
export const REPORT_FILES = ["report.html", "report.json"] as const;

/** Stands in a report for the manifest's hash while that is not known. */
export const NO_HASH = "0".repeat(64);

/** Of files at the top of the folder that change, or are none of the run's evidence. */
export const isEvidence = (file: string) => !/^leases\/[^/]+\.json(\.lock)?$/.test(file);

/** Only gates and their pages may read tokens, and who copies the evidence need not have them. */
export const isToken = (file: string) => /^gates\/[^/]+\/token\.json$/.test(file);

/** All that the manifest covers: what it names, and the chain up to its last link. */
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
 * The manifest of those files. Their hashes are those of the chain, and what is in no link is read: so a file that was
 * changed after it was linked is not as the manifest says.
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
    listed.filter((name) => !hashes.has(name) && !isToken(name)),
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
