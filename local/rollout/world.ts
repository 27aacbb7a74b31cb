import { hostname } from "node:os";
import { FetchHttp } from "../../lambdas/shared/aws/fetch-http.ts";
import { StoredPlans } from "../../lambdas/shared/plan-document.ts";
import type { Environment, EvidenceStore, Notifier } from "../../lambdas/shared/ports.ts";
import type { RunDatabase, RunSettings } from "../../lambdas/shared/settings.ts";
import type { LocalCallbacks } from "../callbacks.ts";
import type { RolloutOptions } from "./events.ts";

/** What the rollout itself sees on this machine. */
export interface RolloutSurroundings extends Pick<RolloutOptions, "apply" | "rehearse" | "fence"> {
  name: string;
  list: readonly RunDatabase[];
  planChecksum: string;
  evidence: EvidenceStore;
  callbacks: LocalCallbacks;
  gateUrl: string;
  notifier: Notifier;
  isRunning(execution: string): boolean;
  progress(line: string): void;
}

/** Returns the environment of a rollout's own tasks: they decide and ask, and touch no database. */
export function rolloutWorld(given: RolloutSurroundings): Environment {
  const { apply, rehearse, fence, name, list, evidence, callbacks, gateUrl } = given;
  const settingsOf = (database: RunDatabase): RunSettings => ({
    ...database,
    fence,
    rehearse,
    retentionDays: 365,
    gateUrl,
    // At a laptop there is one person.
    separateApprover: false,
    nameAtEveryGate: apply,
    contacts: [],
    lockTimeoutMs: 2_000,
    lockTries: 30,
    concurrentWaitMs: 600_000,
  });
  const none = (): never => {
    throw new Error("A rollout itself is of no database");
  };
  const databases = { single: false, withSession: none };
  return {
    settings: settingsOf({
      label: name,
      instance: name,
      database: name,
      applicationRoles: [],
      alarms: [],
    }),
    choice: {
      list,
      settingsOf,
      // Each start serves its pages at an address of its own.
      of: (settings) => ({
        settings: { ...settings, gateUrl },
        databases,
        metrics: { publish: none },
      }),
    },
    evidence,
    plans: new StoredPlans(evidence, () => given.planChecksum),
    instances: new Proxy({} as Environment["instances"], { get: none }),
    archive: { start: none },
    databases,
    notifier: given.notifier,
    // EventBridge is not at hand, and nobody listens.
    announcer: { announce: async () => undefined },
    callbacks,
    alarms: { known: none, enabled: none, disable: none, enable: none },
    executions: { isRunning: async (execution) => given.isRunning(execution) },
    metrics: { publish: none },
    schedules: { startWatch: none },
    http: new FetchHttp(),
    clock: { now: () => new Date(), remaining: () => Number.POSITIVE_INFINITY },
    worker: `${hostname()}:${process.pid}`,
    progress: given.progress,
  };
}
