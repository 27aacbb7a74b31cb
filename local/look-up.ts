import { awsErrorName, messageOf } from "../lambdas/shared/errors.ts";
import { matches, memberPatterns } from "../lambdas/shared/names.ts";

/** What AWS reports about the instance or cluster that is to be production. */
export interface LookedUp {
  /** Lines that state what was found, or why the look-up failed. */
  says: readonly string[];
  /** Why Sluice cannot migrate it. */
  mistake?: string | undefined;
  /** Name of the database that it was created with. */
  database?: string | undefined;
  vpc?: string | undefined;
  /** For a cluster: all its instances, if the names of some do not begin with the cluster's. */
  members?: readonly string[] | undefined;
  /** Set for a Multi-AZ DB cluster, which cannot be cloned. */
  staging?: "snapshot";
}

/** @param region the AWS Region of production; undefined: the one that the AWS CLI would use */
export type LookUp = (
  kind: "instance" | "cluster",
  identifier: string,
  region: string | undefined,
) => Promise<LookedUp>;

/** Asks RDS with the credentials that the AWS CLI would use. If RDS cannot be reached, returns only that fact. */
export const lookUp: LookUp = async (kind, identifier, region) => {
  const { RDSClient } = await import("@aws-sdk/client-rds");
  try {
    const client = new RDSClient({
      ...(region === undefined ? {} : { region }),
      // A person waits at the prompt.
      maxAttempts: 2,
      requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000 },
    });
    const at = await client.config.region();
    const looked = await (kind === "cluster" ? cluster : instance)(client, identifier);
    return looked ?? { says: [], mistake: `there is no ${kind} ${identifier} in ${at}` };
  } catch (error) {
    const name = awsErrorName(error);
    const said = [name === "" || name === "Error" ? "" : `${name}: `, messageOf(error)].join("");
    return {
      says: [
        `${identifier} was not looked up: ${said}. A look-up needs AWS_REGION, AWS credentials, and the rights rds:DescribeDBInstances and rds:DescribeDBClusters. The settings can be written without it.`,
      ],
    };
  }
};

type Client = import("@aws-sdk/client-rds").RDSClient;

async function instance(client: Client, identifier: string): Promise<LookedUp | undefined> {
  const [{ findInstance }, { instanceRefusals }] = await Promise.all([
    import("../lambdas/shared/aws/rds-calls.ts"),
    import("../lambdas/shared/aws/rds-findings.ts"),
  ]);
  const db = await findInstance(client, identifier);
  if (!db) return undefined;
  return {
    says: [
      `Found: ${identifier}, ${db.Engine} ${db.EngineVersion}, ${db.DBInstanceClass}, ${db.DBInstanceStatus}.`,
    ],
    mistake: instanceRefusals(db)[0],
    database: db.DBName || undefined,
    vpc: db.DBSubnetGroup?.VpcId,
  };
}

async function cluster(client: Client, identifier: string): Promise<LookedUp | undefined> {
  const [{ findWithMembers, memberNames }, { clusterRefusals }, { isMultiAz }] = await Promise.all([
    import("../lambdas/shared/aws/rds-cluster-settings.ts"),
    import("../lambdas/shared/aws/rds-cluster-findings.ts"),
    import("../lambdas/shared/aws/rds-multi-az.ts"),
  ]);
  const found = await findWithMembers(client, identifier, () => true);
  if (!found) return undefined;
  const { db, writer, members } = found;
  const names = memberNames(db);
  const multiAz = isMultiAz(db);
  const all = names.every((name) => matches(name, memberPatterns(identifier)));
  // RDS names the instances of a Multi-AZ DB cluster; the setting is refused there.
  const listed = all || multiAz ? {} : { members: names };
  return {
    says: [
      `Found: ${identifier}, ${db.Engine} ${db.EngineVersion}, ${db.Status}, with ${names.join(", ") || "no instance"}.`,
      ...(listed.members
        ? [
            `The setting database.members lists its instances, because not all their names begin with ${identifier}-.`,
          ]
        : []),
      ...(multiAz
        ? ["It is a Multi-AZ DB cluster, which cannot be cloned: database.staging is set to snapshot."]
        : []),
    ],
    mistake: clusterRefusals(identifier, found, { staging: "snapshot", backup: "snapshot", ...listed })[0],
    database: db.DatabaseName || undefined,
    vpc: (writer ?? members[0])?.DBSubnetGroup?.VpcId,
    ...listed,
    ...(multiAz ? { staging: "snapshot" as const } : {}),
  };
}
