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
  /** A file that is no JSON, such as the report's page. */
  keepFile(name: string, body: string, contentType: string): Promise<void>;
}

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
      if (found === undefined) throw new Error(`The evidence of run ${run} has no ${name}.json`);
      return found;
    },
    async list(prefix) {
      const keys = await store.list(root + prefix);
      return keys.filter((k) => k.endsWith(".json")).map((k) => k.slice(root.length, -".json".length));
    },
    async keepFile(name, body, contentType) {
      await store.create(root + name, body, contentType);
    },
  };
}
