import { doc, type TimeDoc } from "./name.ts";

export interface FenceDoc {
  at: string;
  mode: "connect" | "none";
  /** The database's former access list, as PostgreSQL prints it; null for the default list. */
  aclBefore: string[] | null;
  /** Rights that the fence revokes, noted before it revokes them: exactly these are granted again. */
  taken: ConnectRightDoc[];
  /** Sluice's own roles: they were granted CONNECT by name, as the fence revokes their former grant. Revoked at the end. */
  granted?: string[] | undefined;
  roles: string[];
}

/** `first`: the fence before the migrations; `again`: the fence when production is rolled back after the opening. */
export type FenceSet = "first" | "again";

/** A subscription or job that writes to the database by itself and was stopped. */
export type StilledDoc =
  | { at: string; kind: "subscription"; name: string }
  | {
      at: string;
      kind: "job";
      /** The database that holds pg_cron's jobs. */
      database: string;
      job: CronJob;
    };

/** A right to connect to the database. */
export interface ConnectRightDoc {
  /** Null: PUBLIC. */
  grantee: string | null;
  /** True: with grant option. */
  grantable: boolean;
  /** True: a migration of the plan revokes it, so it is granted again only if the migrations are undone. */
  revokedByPlan?: true | undefined;
}

/** An active job of pg_cron. Its command is left out: it may hold a password. */
export interface CronJob {
  /** pg_cron's number of the job; decimal text. */
  id: string;
  name: string | null;
  schedule: string;
  /** The role that owns it and runs it. */
  role: string;
}

/** Active jobs by id, which is the same in a copy, and subscriptions by name. */
export interface Active {
  jobs: string[];
  subscriptions: string[];
}

export interface SilencedDoc {
  at: string;
  /** Alarms whose actions were on: only these are turned on again. */
  alarms: string[];
}

/** Names of these documents. */
export const fenceDocuments = {
  fence: doc<FenceDoc>("fence", "shown"),
  /** Noted before the opening: from then on the application may write. */
  fenceLifting: doc<TimeDoc>("fence-lifting", "shown"),
  fenceLifted: doc<TimeDoc>("fence-lifted", "shown"),
  /** Production is fenced again when it is rolled back after the opening. */
  fenceAgain: doc<FenceDoc>("fence-again", "shown"),
  fenceAgainLifted: doc<TimeDoc>("fence-again-lifted", "shown"),
  /** The snapshot was taken behind the fence, so a production restored from it is fenced too. */
  fenceRestoredLifted: doc<TimeDoc>("fence-restored-lifted", "shown"),
  /** Each job or subscription that a fence stops, noted before it is stopped. */
  stilled: doc<StilledDoc, [set: FenceSet, kind: StilledDoc["kind"] | "", id: string]>(
    "stilled/*-*-*",
    "shown",
  ),
  stilledBack: doc<TimeDoc, [set: FenceSet | "restored"]>("stilled-back-*", "shown"),
  // Behind the fence jobs and subscriptions are already stopped, so production does not show that a migration stops one.
  // Staging shows it: nothing runs there, but each is marked as on production. What the plan stops stays stopped where its
  // migrations stand.
  /** Jobs and subscriptions that are marked active on staging after its restore. */
  activeBefore: doc<Active>("staging/active-before"),
  /** Those of them that the plan's migrations stop, as staging showed. */
  stoppedByPlan: doc<Active>("staging/stopped-by-plan"),
  alarmsSilenced: doc<SilencedDoc>("alarms-silenced", "shown"),
  alarmsOn: doc<SilencedDoc>("alarms-on", "shown"),
} as const;
