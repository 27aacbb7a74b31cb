import { checksum } from "./measure-checksum.ts";
import { column } from "./measure-column.ts";
import { graph } from "./measure-graph.ts";
import { indexBuild } from "./measure-index-build.ts";
import { refresh } from "./measure-refresh.ts";
import { rowSecurity } from "./measure-row-security.ts";
import { search } from "./measure-search.ts";
import type { Measurement } from "./types.ts";

/** In the order of the table. */
export const MEASUREMENTS: readonly Measurement[] = [
  column,
  rowSecurity,
  indexBuild,
  search,
  refresh,
  checksum,
];
