import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { RDSClient } from "@aws-sdk/client-rds";
import { Envar, requireEnvar } from "../deployment.ts";
import type { Archive, Instances } from "../ports.ts";
import type { Deployed, RunSettings } from "../settings.ts";
import { type Places, RdsArchive } from "./rds-archive.ts";
import { RdsClusterInstances } from "./rds-clusters.ts";
import { freeBytes } from "./rds-findings.ts";
import { RdsInstances } from "./rds-instances.ts";
import { lazily } from "./runtime.ts";

const rds = lazily(() => new RDSClient());
const cloudWatch = lazily(() => new CloudWatchClient());
const instances = lazily(() => new RdsInstances(rds(), (instance) => freeBytes(cloudWatch(), instance)));

/** Returns the RDS adapters for a run with these settings: for an instance or for a cluster. */
export function rdsOf(
  deployed: Deployed,
  settings?: RunSettings,
): { instances: Instances; archive: Archive } {
  const cluster = settings?.cluster;
  return {
    instances: cluster
      ? new RdsClusterInstances(rds(), settings.instance, cluster, deployed.copyTo !== undefined)
      : instances(),
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
  return { copyTo, exportTo: exportTo && { ...exportTo, roleArn: requireEnvar(Envar.exportRole) } };
}
