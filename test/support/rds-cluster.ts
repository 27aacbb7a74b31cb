import type { DBCluster, DBInstance } from "@aws-sdk/client-rds";

/** Production in DescribeDBClusters' form, with everything that a copy of its volume would not inherit. */
export const productionCluster: DBCluster = {
  DBClusterIdentifier: "orders",
  DbClusterResourceId: "cluster-PRODUCTION",
  DBClusterArn: "arn:aws:rds:eu-central-1:123456789012:cluster:orders",
  Status: "available",
  Engine: "aurora-postgresql",
  EngineVersion: "17.4",
  EngineMode: "provisioned",
  Endpoint: "orders.cluster-abc.eu-central-1.rds.amazonaws.com",
  ReaderEndpoint: "orders.cluster-ro-abc.eu-central-1.rds.amazonaws.com",
  Port: 5433,
  DBSubnetGroup: "private",
  VpcSecurityGroups: [{ VpcSecurityGroupId: "sg-1" }],
  DBClusterParameterGroup: "orders-cluster-17",
  StorageType: "aurora-iopt1",
  ServerlessV2ScalingConfiguration: { MinCapacity: 0.5, MaxCapacity: 16 },
  IAMDatabaseAuthenticationEnabled: true,
  DeletionProtection: true,
  CopyTagsToSnapshot: true,
  EnabledCloudwatchLogsExports: ["postgresql"],
  BackupRetentionPeriod: 14,
  PreferredBackupWindow: "01:00-01:30",
  PreferredMaintenanceWindow: "sun:03:00-sun:03:30",
  EarliestRestorableTime: new Date("2026-11-01T00:00:00Z"),
  LatestRestorableTime: new Date("2026-11-29T10:00:00Z"),
  MasterUserSecret: { SecretArn: "arn:secret", KmsKeyId: "arn:secret-key", SecretStatus: "active" },
  AssociatedRoles: [
    { RoleArn: "arn:aws:iam::123456789012:role/s3-import", FeatureName: "s3Import", Status: "ACTIVE" },
  ],
  TagList: [
    { Key: "team", Value: "orders" },
    { Key: "aws:cloudformation:stack-name", Value: "orders" },
  ],
};

const member = (id: string, zone: string, tier: number): DBInstance => ({
  DBInstanceIdentifier: id,
  DbiResourceId: `db-${id}`,
  DBInstanceStatus: "available",
  DBInstanceClass: "db.serverless",
  Engine: "aurora-postgresql",
  DBClusterIdentifier: "orders",
  DBParameterGroups: [{ DBParameterGroupName: "orders-17", ParameterApplyStatus: "in-sync" }],
  AvailabilityZone: zone,
  PromotionTier: tier,
  PubliclyAccessible: false,
  AutoMinorVersionUpgrade: false,
  CACertificateIdentifier: "rds-ca-rsa2048-g1",
  PreferredMaintenanceWindow: "sun:03:00-sun:03:30",
  MonitoringInterval: 60,
  MonitoringRoleArn: "arn:aws:iam::123456789012:role/monitoring",
  PerformanceInsightsEnabled: true,
  PerformanceInsightsRetentionPeriod: 7,
  TagList: [{ Key: "team", Value: "orders" }],
});

/** The writer, and a reader that would take its place. */
export const productionMembers: DBInstance[] = [
  member("orders-1", "eu-central-1a", 0),
  member("orders-2", "eu-central-1b", 1),
];

/** A Multi-AZ DB cluster: its instances have no settings of their own. */
export const multiAzCluster: DBCluster = {
  ...productionCluster,
  Engine: "postgres",
  EngineVersion: "17.4",
  EngineMode: undefined,
  DBClusterParameterGroup: "orders-multi-az-17",
  DBClusterInstanceClass: "db.r6gd.large",
  StorageType: "io2",
  Iops: 3000,
  AllocatedStorage: 100,
  ServerlessV2ScalingConfiguration: undefined,
  AssociatedRoles: [],
  PubliclyAccessible: false,
  AutoMinorVersionUpgrade: false,
  CertificateDetails: { CAIdentifier: "rds-ca-rsa2048-g1" },
  MonitoringInterval: 60,
  MonitoringRoleArn: "arn:aws:iam::123456789012:role/monitoring",
  PerformanceInsightsEnabled: true,
  PerformanceInsightsRetentionPeriod: 7,
};

export const multiAzMembers: DBInstance[] = [1, 2, 3].map((number) => ({
  DBInstanceIdentifier: `orders-instance-${number}`,
  DbiResourceId: `db-orders-instance-${number}`,
  DBInstanceStatus: "available",
  DBInstanceClass: "db.r6gd.large",
  Engine: "postgres",
  DBClusterIdentifier: "orders",
  DBParameterGroups: [{ DBParameterGroupName: "default.postgres17", ParameterApplyStatus: "in-sync" }],
}));
