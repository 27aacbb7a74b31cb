import type { EvidenceStore, Ports } from "./ports.ts";
import { sha256 } from "./sha256.ts";

// Every document's SHA-256 goes into a chain of links, `chain/00001.json` and so on. A link names what one worker wrote
// and holds the hash of the link before it, so that nothing can be put in, taken out or changed between two links
// without all later ones showing it. Workers write at the same time: each takes the next number by a conditional write,
// and who comes second reads the link that came first. A worker that is killed between a document and its link leaves
// the document out of the chain; the manifest at the end of the run (manifest.ts) lists it all the same.

/** A file of the evidence by its name below the run's folder, such as `gates/open-1/decision.json`. */
export interface HashedFile {
  name: string;
  /** Of its bytes. */
  sha256: string;
}

export interface LinkDoc {
  number: number;
  at: string;
  /** SHA-256 of the file of the link before; null for the first. */
  previous: string | null;
  files: HashedFile[];
}

export const CHAIN = "chain/";

export function linkFile(number: number): string {
  return `${CHAIN}${String(number).padStart(5, "0")}.json`;
}

/** Does the work with ports whose evidence notes what is written, and adds a link for it, also where the work fails. */
export async function linked<P extends Pick<Ports, "evidence" | "clock" | "progress">, T>(
  ports: P,
  work: (ports: P) => Promise<T>,
): Promise<T> {
  let evidence: NotedEvidence | undefined;
  // Not a copy, and not at once: that would make ports that are not needed.
  const noted: P = Object.create(ports, {
    evidence: {
      enumerable: true,
      get: () => {
        evidence ??= new NotedEvidence(ports.evidence);
        return evidence;
      },
    },
  });
  try {
    return await work(noted);
  } finally {
    // The manifest makes up for a link that is missing; for its sake nothing is done twice.
    await evidence
      ?.link(ports.clock.now().toISOString())
      .catch((error: unknown) =>
        ports.progress(`A link of the evidence's chain was not written: ${(error as Error).name}`),
      );
  }
}

/** A store that remembers what was created through it. */
class NotedEvidence implements EvidenceStore {
  private readonly written = new Map<string, HashedFile[]>();

  constructor(private readonly store: EvidenceStore) {}

  async create(key: string, body: string, contentType: string): Promise<boolean> {
    const won = await this.store.create(key, body, contentType);
    // An answer that was lost makes a client write again, and find its own document.
    if (won || (await this.store.read(key)) === body) this.note(key, body);
    return won;
  }

  read(key: string): Promise<string | undefined> {
    return this.store.read(key);
  }

  list(prefix: string): Promise<string[]> {
    return this.store.list(prefix);
  }

  tags(prefix: string): Promise<Map<string, string>> {
    return this.store.tags(prefix);
  }

  readLease(name: string): ReturnType<EvidenceStore["readLease"]> {
    return this.store.readLease(name);
  }

  swapLease(...args: Parameters<EvidenceStore["swapLease"]>): Promise<boolean> {
    return this.store.swapLease(...args);
  }

  async link(at: string): Promise<void> {
    for (const [root, files] of this.written) await append(this.store, root, at, files);
    this.written.clear();
  }

  private note(key: string, body: string): void {
    const root = /^runs\/[^/]+\//.exec(key)?.[0] ?? "";
    const files = this.written.get(root) ?? [];
    if (files.some(({ name }) => root + name === key)) return;
    files.push({ name: key.slice(root.length), sha256: sha256(body) });
    this.written.set(root, files);
  }
}

async function append(
  store: EvidenceStore,
  root: string,
  at: string,
  files: readonly HashedFile[],
): Promise<void> {
  const newest = (await store.list(root + CHAIN)).at(-1);
  let number = newest === undefined ? 0 : numberOf(newest);
  let before = newest === undefined ? undefined : await store.read(newest);
  for (;;) {
    const link: LinkDoc = {
      number: number + 1,
      at,
      previous: before === undefined ? null : sha256(before),
      files: [...files],
    };
    const key = root + linkFile(link.number);
    if (await store.create(key, textOf(link), "application/json")) return;
    number = link.number;
    before = await store.read(key);
  }
}

export function numberOf(file: string): number {
  return Number(/(\d+)\.json$/.exec(file)?.[1]);
}

function textOf(link: LinkDoc): string {
  return `${JSON.stringify(link, null, 2)}\n`;
}
