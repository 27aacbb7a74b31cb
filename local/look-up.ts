import { awsErrorName } from "../lambdas/shared/aws/error-name.ts";
import { messageOf } from "../lambdas/shared/errors.ts";
import { matches, memberPatterns } from "../lambdas/shared/names.ts";

/** What AWS says of an instance or cluster that is to be production. */
export interface LookedUp {
  /** What was found, or why nothing was; a line each. */
  says: readonly string[];
  /** Why no run works on it. */
  mistake?: string | undefined;
  /** The database that it was made with. */
  database?: string | undefined;
  vpc?: string | undefined;
  /** Of a cluster: all its instances, where some do not begin with its own name. */
  members?: readonly string[] | undefined;
  /** Of a cluster without clones. */
  staging?: "snapshot";
}

/** @param region where it is; undefined: where AWS's own command line would look */
export type LookUp = (
  kind: "instance" | "cluster",
  identifier: string,
  region: string | undefined,
) => Promise<LookedUp>;

/** Asks RDS with the credentials that AWS's own command line would use. Where it cannot be asked, that is all that is said. */
export const lookUp: LookUp = async (kind, identifier, region) => {
  const { RDSClient } = await import("@aws-sdk/client-rds");
  try {
    const client = new RDSClient({
      ...(region === undefined ? {} : { region }),
      // Somebody waits at the prompt.
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
        `${identifier} was not looked up: ${said}. It takes AWS_REGION, a login to AWS, and the right to rds:DescribeDBInstances and rds:DescribeDBClusters. Nothing else depends on it.`,
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
  // RDS names those of the other kind.
  const listed = all || multiAz ? {} : { members: names };
  return {
    says: [
      `Found: ${identifier}, ${db.Engine} ${db.EngineVersion}, ${db.Status}, with ${names.join(", ") || "no instance"}.`,
      ...(listed.members
        ? [`The setting database.members names its instances: not all of them begin with ${identifier}-.`]
        : []),
      ...(multiAz
        ? ["It is a Multi-AZ DB cluster, which has no clones: database.staging is set to snapshot."]
        : []),
    ],
    mistake: clusterRefusals(identifier, found, { staging: "snapshot", backup: "snapshot", ...listed })[0],
    database: db.DatabaseName || undefined,
    vpc: (writer ?? members[0])?.DBSubnetGroup?.VpcId,
    ...listed,
    ...(multiAz ? { staging: "snapshot" as const } : {}),
  };
}
