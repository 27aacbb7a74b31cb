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
  /** The state of the machine that the worker was called for; absent where none called it, and in evidence of older runs. */
  state?: CalledState | undefined;
  /** What the worker left that is no file of its own, by its name (evidence.ts). */
  documents?: Readonly<Record<string, unknown>> | undefined;
  files: HashedFile[];
}

export interface CalledState {
  /** As people call it, such as `Apply 006 to staging`. */
  state: string;
  /** Of the machine. */
  phase?: string | undefined;
  /** The migration that it worked on, where it did on one. */
  version?: string | undefined;
  enteredAt: string;
  /** Null: it failed, or goes on with another worker. */
  doneAt: string | null;
}

export const CHAIN = "chain/";

export function linkFile(number: number): string {
  return `${CHAIN}${String(number).padStart(5, "0")}.json`;
}

/** Notes how far the state of that run is which the work is for: the last word counts. */
export type NoteState = (run: string, state: CalledState) => void;

/** Does the work with ports whose evidence notes what is written, and adds a link for it, also where the work fails. */
export async function linked<P extends Pick<Ports, "evidence" | "clock" | "progress">, T>(
  ports: P,
  work: (ports: P, note: NoteState) => Promise<T>,
): Promise<T> {
  let evidence: NotedEvidence | undefined;
  const get = () => {
    evidence ??= new NotedEvidence(ports.evidence);
    return evidence;
  };
  // Not a copy, and not at once: that would make ports that are not needed.
  const noted: P = Object.create(ports, { evidence: { enumerable: true, get } });
  let done = false;
  try {
    const value = await work(noted, (run, state) => get().noteState(run, state));
    done = true;
    return value;
  } finally {
    const holds = evidence?.holdsDocuments;
    await evidence?.link(ports.clock.now().toISOString()).catch((error: unknown) => {
      // What is in no file of its own would be lost: it is done again, which finds what is done already.
      if (done && holds) throw error;
      // The manifest makes up for a link that is missing; for its sake nothing is done twice.
      ports.progress(`A link of the evidence's chain was not written: ${(error as Error).name}`);
    });
  }
}

/** A store that remembers what was created through it. */
class NotedEvidence implements EvidenceStore {
  private readonly written = new Map<string, HashedFile[]>();
  private readonly states = new Map<string, CalledState>();
  /** By their keys. */
  private readonly documents = new Map<string, string>();

  constructor(private readonly store: EvidenceStore) {}

  async create(key: string, body: string, contentType: string): Promise<boolean> {
    const won = await this.store.create(key, body, contentType);
    // An answer that was lost makes a client write again, and find its own document.
    if (won || (await this.store.read(key)) === body) this.note(key, body);
    return won;
  }

  createWithLink(key: string, body: string): void {
    if (!this.documents.has(key)) this.documents.set(key, body);
  }

  get holdsDocuments(): boolean {
    return this.documents.size > 0;
  }

  async read(key: string): Promise<string | undefined> {
    return this.documents.get(key) ?? (await this.store.read(key));
  }

  async list(prefix: string): Promise<string[]> {
    const keys = await this.store.list(prefix);
    const own = [...this.documents.keys()].filter((key) => key.startsWith(prefix));
    return own.length === 0 ? keys : [...new Set([...keys, ...own])].sort();
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

  noteState(run: string, state: CalledState): void {
    this.states.set(`runs/${run}/`, state);
  }

  async link(at: string): Promise<void> {
    const roots = [...this.written.keys(), ...this.states.keys(), ...[...this.documents.keys()].map(rootOf)];
    for (const root of new Set(roots)) {
      const state = this.states.get(root);
      const documents = [...this.documents].filter(([key]) => key.startsWith(root));
      await append(this.store, root, {
        at,
        ...(state ? { state } : {}),
        ...(documents.length > 0 ? { documents: byName(documents, root) } : {}),
        files: this.written.get(root) ?? [],
      });
    }
    this.written.clear();
    this.states.clear();
    this.documents.clear();
  }

  private note(key: string, body: string): void {
    const root = rootOf(key);
    const files = this.written.get(root) ?? [];
    if (files.some(({ name }) => root + name === key)) return;
    files.push({ name: key.slice(root.length), sha256: sha256(body) });
    this.written.set(root, files);
  }
}

/** The folder of the run that a key belongs to; empty: of none. */
function rootOf(key: string): string {
  return /^runs\/[^/]+\//.exec(key)?.[0] ?? "";
}

function byName(documents: readonly (readonly [string, string])[], root: string): Record<string, unknown> {
  return Object.fromEntries(
    documents.map(([key, body]) => [key.slice(root.length, -".json".length), JSON.parse(body)]),
  );
}

/** Of a link's text the documents in it; undefined where it has none, or is no link. */
export function documentsOf(text: string): LinkDoc["documents"] {
  try {
    return (JSON.parse(text) as LinkDoc).documents;
  } catch {
    return undefined;
  }
}

interface Place {
  number: number;
  /** Text of the link there. */
  text: string;
}

/** The newest link that this process knows of each chain: most often it is the newest that there is. */
const newest = new WeakMap<EvidenceStore, Map<string, Place>>();

async function append(
  store: EvidenceStore,
  root: string,
  what: Pick<LinkDoc, "at" | "state" | "documents" | "files">,
): Promise<void> {
  const known = newest.get(store) ?? new Map<string, Place>();
  newest.set(store, known);
  const follow = async (before: Place | undefined): Promise<boolean> => {
    const number = (before?.number ?? 0) + 1;
    const link: LinkDoc = { number, previous: before === undefined ? null : sha256(before.text), ...what };
    const text = textOf(link);
    const first = await store.create(root + linkFile(number), text, "application/json");
    if (first) known.set(root, { number, text });
    return first;
  };
  const remembered = known.get(root);
  if (remembered && (await follow(remembered))) return;
  const last = (await store.list(root + CHAIN)).at(-1);
  let number = last === undefined ? 0 : numberOf(last);
  for (;;) {
    const text = number === 0 ? undefined : await store.read(root + linkFile(number));
    if (await follow(text === undefined ? undefined : { number, text })) return;
    number++;
  }
}

export function numberOf(file: string): number {
  return Number(/(\d+)\.json$/.exec(file)?.[1]);
}

function textOf(link: LinkDoc): string {
  return `${JSON.stringify(link, null, 2)}\n`;
}
