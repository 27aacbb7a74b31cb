import { docName, type TimeDoc } from "./name.ts";

export interface FenceDoc {
  at: string;
  mode: "connect" | "none";
  /** The database's access list before, as Postgres prints it; null where it was the default one. */
  aclBefore: string[] | null;
  /** What the fence takes of it, noted before it is taken: this is what is given back. */
  taken: ConnectRightDoc[];
  /** Roles that were given CONNECT by name, as what they had it through is taken: Sluice's own. It is taken back. */
  granted?: string[] | undefined;
  roles: string[];
}

/** The fence before the migrations, or the one after an opening that is taken back. */
export type FenceSet = "first" | "again";

/** What writes to the database by itself, and was stopped. */
export type StilledDoc =
  | { at: string; kind: "subscription"; name: string }
  | {
      at: string;
      kind: "job";
      /** That pg_cron keeps its jobs in. */
      database: string;
      job: CronJob;
    };

/** A right to connect to the database. */
export interface ConnectRightDoc {
  /** Null: PUBLIC. */
  grantee: string | null;
  /** It came with the grant option. */
  grantable: boolean;
  /** A migration of the plan revokes it: it is given back only where the migrations do not stand. */
  revokedByPlan?: true | undefined;
}

/** An active job of pg_cron. Its command is left out: it may hold a password. */
export interface CronJob {
  /** As pg_cron numbers it; decimal text. */
  id: string;
  name: string | null;
  schedule: string;
  /** Whose it is, and as whom it runs. */
  role: string;
}

/** Jobs by their ids, which a copy shares; subscriptions by name. */
export interface Active {
  jobs: string[];
  subscriptions: string[];
}

export interface SilencedDoc {
  at: string;
  /** Alarms whose actions were on: these, and no others, are turned on again. */
  alarms: string[];
}

/** Names of these documents. */
export const fenceDocuments = {
  fence: docName<FenceDoc>("fence"),
  /** Noted before the application is let in: from then on it may write. */
  fenceLifting: docName<TimeDoc>("fence-lifting"),
  fenceLifted: docName<TimeDoc>("fence-lifted"),
  /** Production is fenced again when it is rolled back after the opening. */
  fenceAgain: docName<FenceDoc>("fence-again"),
  fenceAgainLifted: docName<TimeDoc>("fence-again-lifted"),
  /** The snapshot was taken behind the fence, so what is restored from it is fenced too. */
  fenceRestoredLifted: docName<TimeDoc>("fence-restored-lifted"),
  /** What writes by itself and was stopped by a fence, each in a document of its own: noted before it is stopped. */
  stilled: (set: FenceSet, kind: StilledDoc["kind"] | "", id: string) =>
    docName<StilledDoc>(`stilled/${set}-${kind}-${id}`),
  stilledBack: (set: FenceSet | "restored") => docName<TimeDoc>(`stilled-back-${set}`),
  /** Jobs that the migrations stop, as staging showed. */
  /** On staging: the jobs and subscriptions that are active as restored, and those that the plan stops. */
  activeBefore: docName<Active>("staging/active-before"),
  stoppedByPlan: docName<Active>("staging/stopped-by-plan"),
  alarmsSilenced: docName<SilencedDoc>("alarms-silenced"),
  alarmsOn: docName<SilencedDoc>("alarms-on"),
} as const;
