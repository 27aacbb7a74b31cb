import type { MachineCapability } from "../machine/capabilities.ts";
import type { Need } from "./permissions.ts";

/** One Lambda function. Its rights follow from its needs alone. */
export interface FunctionSpec {
  /** Shown as the function's description. */
  does: string;
  /** Whether it runs in the database's network; functions that call only AWS's APIs run outside. */
  inVpc: boolean;
  /** Longest time of one invocation, in seconds. */
  seconds: number;
  memoryMiB: number;
  needs: readonly Need[];
  /** Reserved concurrency for each instance: so many workers are kept free for it, and it may have no more. */
  reserved?: number;
}

// The longest that a Lambda may live: a function that waits for the database is called again after that.
const LONGEST = 900;

/** Seconds for functions that call AWS without waiting, and for all that change who may use production. */
export const SHORT = 120;

// The way back must get a worker even in a busy account. Two, as one may seem dead and still run.
const onTheWayBack = { reserved: 2 };

const onDatabase = (does: string, ...needs: readonly Need[]): FunctionSpec => ({
  does,
  inVpc: true,
  seconds: LONGEST,
  memoryMiB: 512,
  needs: ["evidence", "plans", "database", ...needs],
});

const onAws = (does: string, ...needs: readonly Need[]): FunctionSpec => ({
  does,
  inVpc: false,
  seconds: SHORT,
  memoryMiB: 256,
  needs: ["evidence", "plans", ...needs],
});

/** The functions that the state machines call, named like the folders under lambdas/. */
export const CAPABILITIES: Readonly<Record<MachineCapability, FunctionSpec>> = {
  admit: onAws(
    "Takes and releases the run lock, inspects the instance and its surroundings",
    "lease",
    "executions",
    "instances",
    "surroundings",
  ),
  preflight: onDatabase("Checks every condition for a run"),
  fence: {
    ...onDatabase("Keeps the application's roles out of the database, and lets them in again"),
    ...onTheWayBack,
    seconds: SHORT,
  },
  record: onDatabase("Records the catalog and the contents of the database"),
  writes: onDatabase("Reports what was written to production since the record"),
  snapshot: onAws("Takes snapshots of production", "instances", "snapshots", "archive"),
  staging: onAws("Restores staging from a snapshot, and deletes both afterwards", "instances", "staging"),
  verify: onDatabase("Compares staging with production"),
  migrate: onDatabase("Runs a migration's steps"),
  validate: onDatabase("Runs a migration's checks"),
  rollback: { ...onDatabase("Runs a migration's rollback"), ...onTheWayBack },
  prove: { ...onDatabase("Proves that a database is as recorded"), ...onTheWayBack },
  benchmark: onDatabase("Measures the plan's benchmarks"),
  gate: onDatabase(
    "Opens a gate, and checks that its decision still holds",
    "tokens",
    "notices",
    "announcements",
  ),
  application: {
    ...onAws("Stops, starts and tests the application"),
    ...onTheWayBack,
    // The application often answers only inside the network.
    inVpc: true,
    seconds: 600,
  },
  alarms: onAws("Silences the named alarms, and turns them on again", "alarms"),
  restore: {
    ...onAws("Replaces production by its restored backup", "instances", "production"),
    ...onTheWayBack,
  },
  opening: onDatabase("Runs the plan's tasks after opening"),
  aftercare: onAws("Checks that production is backed up, and starts the watch", "instances", "schedules"),
  watch: {
    ...onDatabase("Reads the plan's metrics after a success"),
    // Readings are five minutes apart; each of its queries has five seconds.
    seconds: 240,
  },
  report: {
    ...onAws("Writes the report and sends the final message", "notices"),
    seconds: 300,
    memoryMiB: 512,
  },
  "clean-up": { ...onDatabase("Finds out how far a stopped run came", "lease", "notices"), ...onTheWayBack },
};

/** Called by browsers, through the HTTP API. */
export const GATE_PAGE: FunctionSpec = {
  ...onAws("Shows a gate's page and takes its decision"),
  needs: ["evidence", "tokens"],
  // The HTTP API waits for 30 s.
  seconds: 29,
  memoryMiB: 512,
  // Approvers click a few times a run, but anybody may call it. So it is kept available, and takes no more than this.
  reserved: 5,
};

export const GATE_PAGE_NAME = "gate-page";

/** Called by the rollout's machine. */
export const ROLLOUT: FunctionSpec = {
  ...onAws("Decides what a rollout does next, and asks people about its waves"),
  needs: ["evidence", "plans", "lists", "lease", "executions", "tokens", "notices", "announcements"],
  // It reads the ends of all databases; there may be thousands.
  seconds: 300,
  memoryMiB: 512,
};

export const ROLLOUT_NAME = "rollout";

/** Called by CloudFormation, when a plan is deployed. */
export const STORE_PLAN: FunctionSpec = {
  ...onAws("Stores the plan that is deployed"),
  needs: ["plan"],
};

export const STORE_PLAN_NAME = "store-plan";

/** The names of all functions; a deployment without restores has one less. */
export const FUNCTION_NAMES: readonly string[] = [
  ...Object.keys(CAPABILITIES),
  GATE_PAGE_NAME,
  ROLLOUT_NAME,
  STORE_PLAN_NAME,
];
