import { CHAIN, documentsOf } from "./chain.ts";
import { type DocumentName, docName } from "./documents.ts";
import type { Clock, EvidenceStore } from "./ports.ts";

/**
 * The evidence of one run: JSON documents under `runs/<run>/`, each written once. Some live in the links of the chain;
 * they are read and listed by name like the others.
 */
export interface RunEvidence {
  readonly run: string;
  /** Stores the value unless the document exists; resolves to the stored value. */
  createOnce<T>(name: DocumentName<T>, value: NoInfer<T>): Promise<T>;
  /** Resolves to the stored value, or stores `make`'s. A worker's successor does not repeat work that was stored. */
  getOrCreate<T>(name: DocumentName<T>, make: () => Promise<NoInfer<T>>): Promise<T>;
  read<T>(name: DocumentName<T>): Promise<T | undefined>;
  /** As `read`; throws where the document is missing, which means that a state ran out of order. */
  require<T>(name: DocumentName<T>): Promise<T>;
  /** Returns the names (without `.json`) that start with the prefix, sorted. */
  list(prefix: string): Promise<string[]>;
  /** Stores a file under its full name, such as the report's page; false where the file exists. */
  keepFile(name: string, body: string, contentType: string): Promise<boolean>;
  /** Returns the text of a file, by its full name. */
  readFile(name: string): Promise<string | undefined>;
  /** Returns the full names of all files, sorted. */
  files(): Promise<string[]>;
  /** Returns the full names of all files, sorted, each with a tag that changes with the content. */
  tags(): Promise<Map<string, string>>;
}

/** Returns a read-only view of the evidence that holds only these files. */
export function evidenceWithin(evidence: RunEvidence, files: Iterable<string>): RunEvidence {
  const within = new Set(files);
  const root = rootOf(evidence.run);
  const refuse = () => Promise.reject(new Error("This view of the evidence is read-only"));
  const readable = (key: string) => within.has(key.slice(root.length));
  return evidenceOf(
    {
      create: refuse,
      read: async (key) => (readable(key) ? evidence.readFile(key.slice(root.length)) : undefined),
      list: async (prefix) =>
        (await evidence.files())
          .map((name) => root + name)
          .filter((key) => key.startsWith(prefix) && readable(key)),
      tags: async () =>
        new Map(
          [...(await evidence.tags())]
            .map(([name, tag]) => [root + name, tag] as const)
            .filter(([key]) => readable(key)),
        ),
      readLease: refuse,
      swapLease: refuse,
    },
    evidence.run,
  );
}

/**
 * Documents of one migration that only people and the report read: no worker looks for them while a run is under way.
 * They go into the link of the worker that wrote them (chain.ts) instead of into files of their own. A migration's
 * version follows each prefix: digits, a revision such as `ae1027a6acf`, or `all`.
 */
const WITH_LINK = ["steps/staging-", "checks/staging-", "checks/production-", "changes/staging-", "made/"];

const goesWithLink = (name: string) => WITH_LINK.some((prefix) => name.startsWith(prefix));

const rootOf = (run: string) => `runs/${run}/`;

const missing = (run: string, name: string) => `The evidence of run ${run} has no ${name}.json`;

export function evidenceOf(store: EvidenceStore, run: string): RunEvidence {
  const root = rootOf(run);
  const key = (name: string) => `${root}${name}.json`;
  const linked = documentsInLinks(store, root);
  const read = async <T>(name: string): Promise<T | undefined> => {
    const found = goesWithLink(name) ? await linked.read(name) : undefined;
    if (found !== undefined) return found as T;
    const body = await store.read(key(name));
    return body === undefined ? undefined : (JSON.parse(body) as T);
  };
  const createOnce = async <T>(name: string, value: T): Promise<T> => {
    const body = `${JSON.stringify(value, null, 2)}\n`;
    if (store.createWithLink && goesWithLink(name)) {
      store.createWithLink(key(name), body);
      return value;
    }
    const won = await store.create(key(name), body, "application/json");
    return won ? value : ((await read<T>(name)) as T);
  };
  return {
    run,
    createOnce,
    read,
    async getOrCreate<T>(name: DocumentName<T>, make: () => Promise<T>) {
      return (await read<T>(name)) ?? (await createOnce<T>(name, await make()));
    },
    async require<T>(name: string) {
      const found = await read<T>(name);
      if (found === undefined) throw new Error(missing(run, name));
      return found;
    },
    async list(prefix) {
      const keys = await store.list(root + prefix);
      const files = keys.filter((k) => k.endsWith(".json")).map((k) => k.slice(root.length, -".json".length));
      if (!WITH_LINK.some((one) => one.startsWith(prefix) || prefix.startsWith(one))) return files;
      const others = (await linked.names()).filter((name) => name.startsWith(prefix));
      return [...new Set([...files, ...others])].sort();
    },
    keepFile: (name, body, contentType) => store.create(root + name, body, contentType),
    readFile: (name) => store.read(root + name),
    files: async () => (await store.list(root)).map((key) => key.slice(root.length)),
    tags: async () =>
      new Map([...(await store.tags(root))].map(([key, tag]) => [key.slice(root.length), tag])),
  };
}

const AT_ONCE = 16;

/** Reads the documents in the links. A link never changes, so each is read once. */
function documentsInLinks(store: EvidenceStore, root: string) {
  const links = new Set<string>();
  const documents = new Map<string, unknown>();
  const refresh = async () => {
    const added = (await store.list(root + CHAIN)).filter((key) => !links.has(key));
    for (let i = 0; i < added.length; i += AT_ONCE) {
      const some = added.slice(i, i + AT_ONCE);
      const bodies = await Promise.all(some.map((key) => store.read(key)));
      for (const [place, body] of bodies.entries()) {
        links.add(some[place] ?? "");
        const held = body === undefined ? undefined : documentsOf(body);
        // A worker that repeated the work comes later; the first document counts.
        for (const [name, value] of Object.entries(held ?? {}))
          if (!documents.has(name)) documents.set(name, value);
      }
    }
  };
  return {
    async read(name: string): Promise<unknown> {
      if (!documents.has(name)) await refresh();
      return documents.get(name);
    },
    async names(): Promise<string[]> {
      await refresh();
      return [...documents.keys()];
    },
  };
}

/** The most work that may be lost with a killed worker, and is then repeated. Milliseconds. */
const MOST_LOST_MS = 10_000;

/**
 * Pieces of work that end up in one document. For the first ten seconds a worker holds them in memory. After that each
 * piece is stored as soon as it is ready, so that another worker can continue.
 */
export class Draft {
  private readonly held = new Map<string, unknown>();
  private readonly began: number;
  private kept: Promise<void> | undefined;

  private constructor(
    private readonly evidence: RunEvidence,
    private readonly clock: Clock,
    private readonly first: string,
  ) {
    this.began = clock.now().getTime();
  }

  /** @param first the piece that the others build on; where the evidence has it, the draft continues an earlier worker's */
  static async begin(evidence: RunEvidence, clock: Clock, first: string): Promise<Draft> {
    const draft = new Draft(evidence, clock, first);
    if ((await evidence.read(docName(first))) !== undefined) draft.kept = Promise.resolve();
    return draft;
  }

  /** Returns the piece of that name, or makes it. */
  async getOrCreate<T>(name: string, make: () => Promise<T>): Promise<T> {
    if (this.held.has(name)) return this.held.get(name) as T;
    if (this.kept) {
      await this.kept;
      return await this.evidence.getOrCreate(docName<T>(name), make);
    }
    const value = await make();
    this.held.set(name, value);
    if (this.kept || this.clock.now().getTime() - this.began > MOST_LOST_MS) {
      await this.keep();
      await this.evidence.createOnce(docName(name), value);
    }
    return value;
  }

  /** Stores all pieces so far: this worker leaves, or could lose too much work. */
  keep(): Promise<void> {
    this.kept ??= this.keepAll();
    return this.kept;
  }

  private async keepAll(): Promise<void> {
    for (const [name, value] of this.held) {
      const kept = await this.evidence.createOnce(docName(name), value);
      // Pieces of two workers must not be mixed.
      if (name === this.first && kept !== value)
        throw new Error(`Another worker began ${name} meanwhile; its work is continued`);
    }
  }
}
