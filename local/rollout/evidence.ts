import { join } from "node:path";
import type { EvidenceStore } from "../../lambdas/shared/ports.ts";
import { fileEvidence } from "../file-evidence.ts";

/** The folder of one execution's evidence: the rollout's own, or that of one of its runs. */
export function folderIn(root: string, name: string): string {
  return join(root, "runs", name);
}

/**
 * One store for a rollout and all its runs: `runs/<name>/` is a folder of its own below the root, and plans are beside
 * them.
 * @param own the run whose store this is: its plan and its lease are in its own
 */
export function evidenceBeside(root: string, own?: { run: string; store: EvidenceStore }): EvidenceStore {
  const known = new Map<string, EvidenceStore>();
  const common = own?.store ?? fileEvidence(root);
  const storeOf = (key: string): EvidenceStore => {
    const name = /^runs\/([^/]+)\//.exec(key)?.[1];
    if (name === undefined || name === own?.run) return common;
    const store = known.get(name) ?? fileEvidence(folderIn(root, name));
    known.set(name, store);
    return store;
  };
  return {
    create: (key, body, type) => storeOf(key).create(key, body, type),
    read: (key) => storeOf(key).read(key),
    list: (prefix) => storeOf(prefix).list(prefix),
    tags: (prefix) => storeOf(prefix).tags(prefix),
    readLease: (name) => common.readLease(name),
    swapLease: (name, expected, holder) => common.swapLease(name, expected, holder),
  };
}
