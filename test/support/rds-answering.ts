import {
  AddRoleToDBClusterCommand,
  AddTagsToResourceCommand,
  CreateDBClusterSnapshotCommand,
  CreateDBInstanceCommand,
  DeleteDBClusterCommand,
  DeleteDBClusterSnapshotCommand,
  DeleteDBInstanceCommand,
  DescribeDBClusterSnapshotsCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  ModifyDBClusterCommand,
  ModifyDBInstanceCommand,
  type RDSClient,
  RebootDBClusterCommand,
  RebootDBInstanceCommand,
  RestoreDBClusterFromSnapshotCommand,
  RestoreDBClusterToPointInTimeCommand,
} from "@aws-sdk/client-rds";
import type { AwsClientStub } from "aws-sdk-client-mock";
import { awsError } from "./aws-error.ts";
import { type RdsClusters, RdsRefusal } from "./rds-clusters.ts";

/** Every call about clusters is answered by the stand-in, with errors as the SDK gives them. */
export function answerBy(rds: AwsClientStub<RDSClient>, environment: RdsClusters): void {
  for (const command of [
    AddRoleToDBClusterCommand,
    AddTagsToResourceCommand,
    CreateDBClusterSnapshotCommand,
    CreateDBInstanceCommand,
    DeleteDBClusterCommand,
    DeleteDBClusterSnapshotCommand,
    DeleteDBInstanceCommand,
    DescribeDBClusterSnapshotsCommand,
    DescribeDBClustersCommand,
    DescribeDBInstancesCommand,
    ModifyDBClusterCommand,
    ModifyDBInstanceCommand,
    RebootDBClusterCommand,
    RebootDBInstanceCommand,
    RestoreDBClusterFromSnapshotCommand,
    RestoreDBClusterToPointInTimeCommand,
  ])
    rds.on(command as typeof DescribeDBClustersCommand).callsFake(async (input) => {
      try {
        return await environment.answer(command.name.replace(/Command$/, ""), input);
      } catch (error) {
        if (error instanceof RdsRefusal) throw awsError(error.code, { message: error.message });
        throw error;
      }
    });
}

/** Calls again until it is done, with a limit, as the loops of the state machine do. */
export async function until<T>(what: () => Promise<T | undefined | false>): Promise<T> {
  for (let tries = 0; tries < 100; tries++) {
    const found = await what();
    if (found !== undefined && found !== false) return found;
  }
  throw new Error("It never came to an end");
}
