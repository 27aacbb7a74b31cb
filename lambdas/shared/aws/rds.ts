import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { RDSClient } from "@aws-sdk/client-rds";
import { Envar, needEnvar } from "../envars.ts";
import type { Archive, DatabaseFleet } from "../ports.ts";
import type { Deployed, RunSettings } from "../settings.ts";
import { lazily } from "./lazily.ts";
import { type Places, RdsArchive } from "./rds-archive.ts";
import { RdsClusterFleet } from "./rds-cluster-fleet.ts";
import { RdsFleet } from "./rds-fleet.ts";
import { freeBytes } from "./rds-free-space.ts";

const rds = lazily(() => new RDSClient());
const cloudWatch = lazily(() => new CloudWatchClient());
const instances = lazily(() => new RdsFleet(rds(), (instance) => freeBytes(cloudWatch(), instance)));

/** RDS, as a run with these settings sees it: the adapter of its instance, or of its cluster. */
export function rdsOf(
  deployed: Deployed,
  settings?: RunSettings,
): { fleet: DatabaseFleet; archive: Archive } {
  const cluster = settings?.cluster;
  return {
    fleet: cluster ? new RdsClusterFleet(rds(), settings.instance, cluster) : instances(),
    get archive() {
      return new RdsArchive(
        (region) => (region === undefined ? rds() : new RDSClient({ region })),
        placesOf(deployed),
        cluster ? "cluster" : "instance",
      );
    },
  };
}

function placesOf({ copyTo, exportTo }: Deployed): Places {
  return { copyTo, exportTo: exportTo && { ...exportTo, roleArn: needEnvar(Envar.exportRole) } };
}
