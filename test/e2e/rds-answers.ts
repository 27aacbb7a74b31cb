/** Answers of RDS's query API that MiniStack does not give, as AWS documents them. */
const NAMESPACE = "http://rds.amazonaws.com/doc/2014-10-31/";
const REQUEST = "00000000-0000-0000-0000-000000000000";

/** Answers about an instance's surroundings: they are empty, and every quota has room. */
const AROUND: Readonly<Record<string, string>> = {
  DescribeBlueGreenDeployments: "<BlueGreenDeployments/>",
  DescribeDBProxies: "<DBProxies/>",
  DescribeDBMajorEngineVersions: "<DBMajorEngineVersions/>",
  DescribeAccountAttributes: `<AccountQuotas>${[
    "DBInstances",
    "ManualSnapshots",
    "AllocatedStorage",
    "DBParameterGroups",
  ]
    .map(
      (name) =>
        `<AccountQuota><AccountQuotaName>${name}</AccountQuotaName><Used>3</Used><Max>100000</Max></AccountQuota>`,
    )
    .join("")}</AccountQuotas>`,
};

export function answerAbout(action: string): string | undefined {
  const result = AROUND[action];
  return result === undefined ? undefined : answered(action, result);
}

function answered(action: string, result: string): string {
  return `<${action}Response xmlns="${NAMESPACE}"><${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>${REQUEST}</RequestId></ResponseMetadata></${action}Response>`;
}

export function refused(code: string, message: string): string {
  return `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>${REQUEST}</RequestId></ErrorResponse>`;
}

/** The description of an instance whose volume is still being filled from its snapshot. */
export function filling(description: string, percent: number): string {
  return description.replaceAll(
    "</DBInstance>",
    `<StorageOperationStatus>Initializing</StorageOperationStatus><StorageOperationPercentProgress>${percent}</StorageOperationPercentProgress></DBInstance>`,
  );
}

/** The description of an instance with automated backups, and until when it can be restored; undefined: it has none. */
export function restorable(description: string, until: Date | undefined): string {
  return description.replace(
    /<LatestRestorableTime>[^<]*<\/LatestRestorableTime>/,
    until === undefined ? "" : `<LatestRestorableTime>${until.toISOString()}</LatestRestorableTime>`,
  );
}

/** The one snapshot that RDS took by itself of that instance. */
export function automatedSnapshot(instance: string, madeAt: Date): string {
  return answered(
    "DescribeDBSnapshots",
    `<DBSnapshots><DBSnapshot><DBSnapshotIdentifier>rds:${instance}-1</DBSnapshotIdentifier><DBInstanceIdentifier>${instance}</DBInstanceIdentifier><SnapshotType>automated</SnapshotType><Status>available</Status><SnapshotCreateTime>${madeAt.toISOString()}</SnapshotCreateTime></DBSnapshot></DBSnapshots>`,
  );
}

/** The description of a snapshot, changed so that it is still being made. */
export function creating(description: string): string {
  return description.replace(/<Status>available</, "<Status>creating<");
}

export function restoreBegun(instance: string): string {
  return answered(
    "RestoreDBInstanceToPointInTime",
    `<DBInstance><DBInstanceIdentifier>${instance}</DBInstanceIdentifier><DBInstanceStatus>creating</DBInstanceStatus></DBInstance>`,
  );
}
