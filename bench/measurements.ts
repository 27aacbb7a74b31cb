import { checksum } from "./measure-checksum.ts";
import { column } from "./measure-column.ts";
import { commandLine } from "./measure-command-line.ts";
import { downtime } from "./measure-downtime.ts";
import { embedded } from "./measure-embedded.ts";
import { emulator } from "./measure-emulator.ts";
import { graph } from "./measure-graph.ts";
import { indexBuild } from "./measure-index-build.ts";
import { longPlan } from "./measure-long-plan.ts";
import { overhead } from "./measure-overhead.ts";
import { refresh } from "./measure-refresh.ts";
import { rollback } from "./measure-rollback.ts";
import { rollout } from "./measure-rollout.ts";
import { rowSecurity } from "./measure-row-security.ts";
import { search } from "./measure-search.ts";
import { searchLimits } from "./measure-search-limits.ts";
import { untouched } from "./measure-untouched.ts";
import type { Measurement } from "./types.ts";

/** All measurements, in the order of the table. */
export const MEASUREMENTS: readonly Measurement[] = [
  column,
  rowSecurity,
  graph,
  indexBuild,
  search,
  searchLimits,
  refresh,
  checksum,
  rollback,
  downtime,
  emulator,
  untouched,
  longPlan,
  overhead,
  rollout,
  embedded,
  commandLine,
];
