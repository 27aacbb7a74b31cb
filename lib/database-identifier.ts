import * as z from "zod";

/** What people give in place of an identifier, and what is to be said of it. */
const INSTEAD: readonly { given: RegExp; say: string }[] = [
  {
    given: /\.dsql(-[\w-]+)?\.[\w-]+\.on\.aws$|^arn:aws[\w-]*:dsql:/,
    say: "is a cluster of Aurora DSQL, which Sluice does not migrate: RDS takes no snapshot of it, and its transactions hold one change of the schema each",
  },
  {
    given: /\.limitless-\w+\.[\w-]+\.rds\.amazonaws\.com(\.cn)?$|^arn:aws[\w-]*:rds:[^:]*:\d*:shard-group:/,
    say: "is of Aurora PostgreSQL Limitless Database, which Sluice does not migrate: its rows lie in shards, each with a catalog of its own",
  },
  {
    given: /\.redshift(-serverless)?\.amazonaws\.com(\.cn)?$|^arn:aws[\w-]*:redshift/,
    say: "is of Redshift, which Sluice does not migrate",
  },
  {
    given: /\.(docdb|neptune)\.amazonaws\.com(\.cn)?$/,
    say: "is of DocumentDB or Neptune, which are not PostgreSQL",
  },
  {
    given: /\.global-\w+\.global\.rds\.amazonaws\.com$|^arn:aws[\w-]*:rds::\d*:global-cluster:/,
    say: "is of a global database, which Sluice does not migrate: a restore would leave its other Regions behind",
  },
  {
    given: /\.proxy-\w+\.[\w-]+\.rds\.amazonaws\.com(\.cn)?$|^arn:aws[\w-]*:rds:[^:]*:\d*:db-proxy/,
    say: "is of an RDS Proxy: give what it stands in front of",
  },
];

// Of clusters, of their readers, and of some of their instances; then of instances.
const CLUSTER =
  /^([\w-]+)\.cluster-(?:(?:ro|custom)-)?\w+\.[\w-]+\.rds\.amazonaws\.com(?:\.cn)?$|^arn:aws[\w-]*:rds:[^:]*:\d*:cluster:([\w-]+)$/;
const INSTANCE =
  /^([\w-]+)\.\w+\.[\w-]+\.rds\.amazonaws\.com(?:\.cn)?$|^arn:aws[\w-]*:rds:[^:]*:\d*:db:([\w-]+)$/;

type Kind = "instance" | "cluster";

/** What is wrong with it where it is something else of AWS's than an identifier. */
function insteadOfIdentifier(text: string, wanted: Kind): string | undefined {
  // An endpoint may come with its port.
  const given = text.trim().replace(/:\d+$/, "");
  const foreign = INSTEAD.find((one) => one.given.test(given));
  if (foreign) return foreign.say;
  for (const [kind, pattern] of [
    ["cluster", CLUSTER],
    ["instance", INSTANCE],
  ] as const) {
    const match = pattern.exec(given);
    if (!match) continue;
    const name = match[1] ?? match[2] ?? "";
    if (kind === wanted) return `is an endpoint or an ARN: give the identifier alone, ${name}`;
    return kind === "cluster"
      ? `is a cluster's: give database.cluster in place of database.instance, as ${name}`
      : `is an instance's: give the identifier of its cluster or, where it is in none, database.instance as ${name}`;
  }
  return undefined;
}

/** Identifier of a DB instance or cluster, as RDS takes it in lower case. */
export function identifier(kind: Kind) {
  return z.string().superRefine((name, context) => {
    const refuse = (message: string) => context.addIssue({ code: "custom", message });
    const instead = insteadOfIdentifier(name, kind);
    if (instead !== undefined) refuse(`${name} ${instead}`);
    else if (!/^[a-z](-?[a-z0-9])*$/.test(name)) refuse(`a DB ${kind} identifier, in lower case`);
    else if (name.length > 63) refuse("at most 63 characters");
    else if (name.startsWith("sluice-"))
      refuse("must not start with sluice-, which names what is deleted again");
  });
}
