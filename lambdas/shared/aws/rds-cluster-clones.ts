import { type DBCluster, paginateDescribeDBClusters, type RDSClient } from "@aws-sdk/client-rds";
import type { RunCluster } from "../settings.ts";
import type { Found } from "./rds-findings.ts";
import { check, looked } from "./rds-surroundings.ts";

/** The most clones that share a volume's pages. For one more, RDS copies the volume in full. */
const MOST = 15;

/** Checks whether the run's clones fit: a full copy takes time in proportion to the volume's size. */
export async function clones(client: RDSClient, db: DBCluster, settings: RunCluster): Promise<Found> {
  const of = (["staging", "backup"] as const).filter((use) => settings[use] === "clone");
  if (of.length === 0) return {};
  return await looked("clones", async () => {
    const there = await clonesOf(client, db);
    const fits = there.length + of.length <= MOST;
    const set = of.map((use) => (use === "staging" ? "database.staging" : "backup"));
    return {
      checks: [
        check(
          "clones",
          `room for ${of.length} more of the ${MOST} clones that may share a volume's pages`,
          there.length === 0 ? "none" : `${there.length}: ${there.join(", ")}`,
          fits
            ? ""
            : `Delete unused clones, such as final ones after the day in their tag sluice:keep-until. Or set ${set.join(" and ")} to snapshot. For one more clone RDS copies the whole volume, which takes longer for larger volumes.`,
          fits,
        ),
      ],
    };
  });
}

/** Returns every other cluster on the same storage: production's clones, or its siblings where it is a clone itself. */
async function clonesOf(client: RDSClient, { CloneGroupId: group, DbClusterResourceId: own }: DBCluster) {
  if (!group) return [];
  const names: string[] = [];
  const request = { Filters: [{ Name: "clone-group-id", Values: [group] }] };
  for await (const { DBClusters = [] } of paginateDescribeDBClusters({ client }, request))
    for (const one of DBClusters)
      if (one.DbClusterResourceId !== own) names.push(one.DBClusterIdentifier ?? "");
  return names.sort();
}
