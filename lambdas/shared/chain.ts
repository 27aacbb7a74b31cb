import type { EvidenceStore, Ports } from "./ports.ts";
import { sha256 } from "./sha256.ts";

// Every document's SHA-256 goes into a chain of links: `chain/00001.json` and so on. A link names what one worker wrote
// and holds the hash of the link before it. Any insertion, removal or change therefore shows in all later links.
// Workers write at the same time: each takes the next number by a conditional write, and the loser reads the winner's
// link. A worker killed between a document and its link leaves that document out of the chain; the manifest at the end
// of the run (manifest.ts) still lists it.

/** An evidence file, by its name below the run's folder, such as `gates/open-1/decision.json`. */
export interface HashedFile {
  name: string;
  /** Hash of the file's bytes, in hexadecimal digits. */
  sha256: string;
}

export interface LinkDoc {
  number: number;
  at: string;
  /** SHA-256 of the previous link's file; null for the first link. */
  previous: string | null;
  /** The machine's state that called the worker; absent where no state called it, and in evidence of older runs. */
  state?: CalledState | undefined;
  /** Documents that live in this link instead of in files of their own, by name (evidence.ts). */
  documents?: Readonly<Record<string, unknown>> | undefined;
  files: HashedFile[];
}

export interface CalledState {
  /** The state's name for people, such as `Apply 006 to staging`. */
  state: string;
  /** The machine's phase that the state belongs to. */
  phase?: string | undefined;
  /** The migration that the state worked on; absent where it worked on none. */
  version?: string | undefined;
  enteredAt: string;
  /** Null: the state failed, or another worker continues it. */
  doneAt: string | null;
}

export const CHAIN = "chain/";

export function linkFile(number: number): string {
  return `${CHAIN}${String(number).padStart(5, "0")}.json`;
}

/** Notes the progress of the run's current state. The last call counts. */
export type NoteState = (run: string, state: CalledState) => void;

/** Runs `work` with evidence that notes every write, then adds a link for these writes, also where `work` fails. */
export async function linked<P extends Pick<Ports, "evidence" | "clock" | "progress">, T>(
  ports: P,
  work: (ports: P, note: NoteState) => Promise<T>,
): Promise<T> {
  let evidence: NotedEvidence | undefined;
  const get = () => {
    evidence ??= new NotedEvidence(ports.evidence);
    return evidence;
  };
  // A prototype and a getter: copying would create ports that this work does not need.
  const noted: P = Object.create(ports, { evidence: { enumerable: true, get } });
  let done = false;
  try {
    const value = await work(noted, (run, state) => get().noteState(run, state));
    done = true;
    return value;
  } finally {
    const holds = evidence?.holdsDocuments;
    await evidence?.link(ports.clock.now().toISOString()).catch((error: unknown) => {
      // Documents that live only in the link would be lost. A retry repeats the work and finds what is already done.
      if (done && holds) throw error;
      // The manifest makes up for a missing link, so no work is repeated for it.
      ports.progress(`A link of the evidence chain was not written: ${(error as Error).name}`);
    });
  }
}

/** An evidence store that remembers what was created through it. */
class NotedEvidence implements EvidenceStore {
  private readonly written = new Map<string, HashedFile[]>();
  private readonly states = new Map<string, CalledState>();
  /** Documents for the link: text by key. */
  private readonly documents = new Map<string, string>();

  constructor(private readonly store: EvidenceStore) {}

  async create(key: string, body: string, contentType: string): Promise<boolean> {
    const won = await this.store.create(key, body, contentType);
    // After a lost answer the S3 client writes again and finds its own document.
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

/** Returns the run's folder that a key belongs to; empty where the key belongs to no run. */
function rootOf(key: string): string {
  return /^runs\/[^/]+\//.exec(key)?.[0] ?? "";
}

function byName(documents: readonly (readonly [string, string])[], root: string): Record<string, unknown> {
  return Object.fromEntries(
    documents.map(([key, body]) => [key.slice(root.length, -".json".length), JSON.parse(body)]),
  );
}

/** Returns the documents in a link's text; undefined where it has none, or where the text is not a link. */
export function documentsOf(text: string): LinkDoc["documents"] {
  try {
    return (JSON.parse(text) as LinkDoc).documents;
  } catch {
    return undefined;
  }
}

interface Place {
  number: number;
  /** The link's text. */
  text: string;
}

/** The newest link of each chain that this process has seen. It is usually the newest in the store. */
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
