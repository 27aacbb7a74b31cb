import type { MachineCapability } from "../machine/capabilities.ts";
import type { Need } from "./permissions.ts";

/** One Lambda function: what it may do follows from what it needs, and from nothing else. */
export interface FunctionSpec {
  /** Shown as the function's description. */
  does: string;
  /** In the database's network, or outside it where only AWS's APIs are called. */
  inVpc: boolean;
  /** Longest time of one invocation. */
  seconds: number;
  memoryMiB: number;
  needs: readonly Need[];
  /** Workers that are kept free for it, and that it may have at most, for each instance: so many runs may be under way. */
  reserved?: number;
}

// The longest that a Lambda may live: whoever waits for the database is called again when that is over.
const LONGEST = 900;

/** Of what calls AWS and does not wait; and of all that changes who may use production. */
export const SHORT = 120;

// The way back must find a worker, however busy the account is. Two, as one may be thought dead and be alive.
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

/** What the state machines call. The names are the folders under lambdas/. */
export const CAPABILITIES: Readonly<Record<MachineCapability, FunctionSpec>> = {
  admit: onAws(
    "Takes and releases the run lock, looks at the instance and what is around it",
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
  record: onDatabase("Notes the catalog and the contents of the database"),
  writes: onDatabase("Tells what was written to production since it was recorded"),
  snapshot: onAws("Takes snapshots of production", "instances", "snapshots", "archive"),
  staging: onAws("Restores staging from a snapshot, and deletes both afterwards", "instances", "staging"),
  verify: onDatabase("Compares staging with production"),
  migrate: onDatabase("Runs a migration's steps"),
  validate: onDatabase("Runs a migration's checks"),
  rollback: { ...onDatabase("Runs a migration's rollback"), ...onTheWayBack },
  prove: { ...onDatabase("Proves that a database is what it was"), ...onTheWayBack },
  benchmark: onDatabase("Measures the plan's benchmarks"),
  gate: onDatabase(
    "Asks for a decision, and checks that it still holds",
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
    ...onAws("Puts the final snapshot in production's place", "instances", "production"),
    ...onTheWayBack,
  },
  opening: onDatabase("Runs the plan's tasks after opening"),
  aftercare: onAws("Checks that production is backed up, and starts the watch", "instances", "schedules"),
  watch: {
    ...onDatabase("Takes a reading of what is watched after a success"),
    // Readings are five minutes apart; each query of one has five seconds.
    seconds: 240,
  },
  report: { ...onAws("Writes the report and tells everyone", "notices"), seconds: 300, memoryMiB: 512 },
  "clean-up": { ...onDatabase("Sees what a stopped run left standing", "lease", "notices"), ...onTheWayBack },
};

/** Not called by the machine but by people's browsers. */
export const GATE_PAGE: FunctionSpec = {
  ...onAws("Shows a gate's page and takes the decision"),
  needs: ["evidence", "tokens"],
  // The HTTP API waits for 30 s.
  seconds: 29,
  memoryMiB: 512,
  // People click, a few a run; anybody may ask. So it is there when it is needed, and takes no more than this.
  reserved: 5,
};

export const GATE_PAGE_NAME = "gate-page";

/** Called by the rollout's machine. */
export const ROLLOUT: FunctionSpec = {
  ...onAws("Decides what a rollout does next, and asks people about its waves"),
  needs: ["evidence", "plans", "lists", "lease", "executions", "tokens", "notices", "announcements"],
  // It reads the ends of all databases, of which there may be thousands.
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

/** Every function that there may be; a deployment without restores has one less. */
export const FUNCTION_NAMES: readonly string[] = [
  ...Object.keys(CAPABILITIES),
  GATE_PAGE_NAME,
  ROLLOUT_NAME,
  STORE_PLAN_NAME,
];
