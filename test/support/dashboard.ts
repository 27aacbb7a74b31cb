/** The dashboard of the plan behind the bundled one: metric, target, alert threshold. */
export const DASHBOARD = [
  ["Vector Search P95", "<100 ms", ">150 ms"],
  ["Graph Traversal P95", "<200 ms", ">300 ms"],
  ["RLS Overhead", "<10 ms", ">20 ms"],
  ["Connection Pool Utilization", "<80 %", ">90 %"],
  ["Failed Queries", "<0.1 %", ">1 %"],
  ["Cross-Tenant Access Attempts", "0", ">0"],
  ["Disk Space Free", ">20 GiB", "<10 GiB"],
] as const;
