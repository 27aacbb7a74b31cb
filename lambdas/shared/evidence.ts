import type { EvidenceStore } from "./ports.ts";

/** The evidence of one run: JSON documents under `runs/<run>/`, each written once. */
export interface RunEvidence {
  readonly run: string;
  /** Stores the value unless there is one; resolves to the one that is stored. */
  keep<T>(name: string, value: T): Promise<T>;
  /** The stored value, or `make`'s, stored. A worker that died after storing is so not done again. */
  once<T>(name: string, make: () => Promise<T>): Promise<T>;
  read<T>(name: string): Promise<T | undefined>;
  /** As read; throws where the document is missing, which means that a state ran out of order. */
  need<T>(name: string): Promise<T>;
  /** Names (without `.json`) that start with the prefix, sorted. */
  list(prefix: string): Promise<string[]>;
  /** A file under its whole name, such as the report's page; false where there is one. */
  keepFile(name: string, body: string, contentType: string): Promise<boolean>;
  /** The text of a file, by its whole name. */
  readFile(name: string): Promise<string | undefined>;
  /** Whole names of all files, sorted. */
  files(): Promise<string[]>;
  /** Whole names of all files, sorted, each with a tag that changes when its content does. */
  tags(): Promise<Map<string, string>>;
}

/** The same evidence as if it held those files alone. Nothing can be kept in it. */
export function evidenceWithin(evidence: RunEvidence, files: Iterable<string>): RunEvidence {
  const within = new Set(files);
  const refuse = () => Promise.reject(new Error("Evidence that is looked at is not added to"));
  return {
    run: evidence.run,
    keep: refuse,
    once: refuse,
    keepFile: refuse,
    read: async <T>(name: string) => (within.has(`${name}.json`) ? evidence.read<T>(name) : undefined),
    async need<T>(name: string) {
      if (!within.has(`${name}.json`)) throw new Error(missing(evidence.run, name));
      return evidence.need<T>(name);
    },
    list: async (prefix) => (await evidence.list(prefix)).filter((name) => within.has(`${name}.json`)),
    readFile: async (name) => (within.has(name) ? evidence.readFile(name) : undefined),
    files: async () => (await evidence.files()).filter((name) => within.has(name)),
    tags: async () => new Map([...(await evidence.tags())].filter(([name]) => within.has(name))),
  };
}

const missing = (run: string, name: string) => `The evidence of run ${run} has no ${name}.json`;

export function evidenceOf(store: EvidenceStore, run: string): RunEvidence {
  const root = `runs/${run}/`;
  const key = (name: string) => `${root}${name}.json`;
  const read = async <T>(name: string): Promise<T | undefined> => {
    const body = await store.read(key(name));
    return body === undefined ? undefined : (JSON.parse(body) as T);
  };
  const keep = async <T>(name: string, value: T): Promise<T> => {
    const won = await store.create(key(name), `${JSON.stringify(value, null, 2)}\n`, "application/json");
    return won ? value : ((await read<T>(name)) as T);
  };
  return {
    run,
    keep,
    read,
    async once(name, make) {
      return (await read(name)) ?? (await keep(name, await make()));
    },
    async need<T>(name: string) {
      const found = await read<T>(name);
      if (found === undefined) throw new Error(missing(run, name));
      return found;
    },
    async list(prefix) {
      const keys = await store.list(root + prefix);
      return keys.filter((k) => k.endsWith(".json")).map((k) => k.slice(root.length, -".json".length));
    },
    keepFile: (name, body, contentType) => store.create(root + name, body, contentType),
    readFile: (name) => store.read(root + name),
    files: async () => (await store.list(root)).map((key) => key.slice(root.length)),
    tags: async () =>
      new Map([...(await store.tags(root))].map(([key, tag]) => [key.slice(root.length), tag])),
  };
}
