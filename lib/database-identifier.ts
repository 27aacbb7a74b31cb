import * as z from "zod";

/** What people give instead of an identifier, and the message for it. */
const INSTEAD: readonly { given: RegExp; say: string }[] = [
  {
    given: /\.dsql(-[\w-]+)?\.[\w-]+\.on\.aws$|^arn:aws[\w-]*:dsql:/,
    say: "is a cluster of Aurora DSQL, which Sluice does not migrate: RDS cannot take a snapshot of it, and each of its transactions may have only one schema change",
  },
  {
    given: /\.limitless-\w+\.[\w-]+\.rds\.amazonaws\.com(\.cn)?$|^arn:aws[\w-]*:rds:[^:]*:\d*:shard-group:/,
    say: "belongs to an Aurora PostgreSQL Limitless Database, which Sluice does not migrate: its rows are in shards, each with its own catalog",
  },
  {
    given: /\.redshift(-serverless)?\.amazonaws\.com(\.cn)?$|^arn:aws[\w-]*:redshift/,
    say: "belongs to Redshift, which Sluice does not migrate",
  },
  {
    given: /\.(docdb|neptune)\.amazonaws\.com(\.cn)?$/,
    say: "belongs to DocumentDB or Neptune, which are not PostgreSQL",
  },
  {
    given: /\.global-\w+\.global\.rds\.amazonaws\.com$|^arn:aws[\w-]*:rds::\d*:global-cluster:/,
    say: "belongs to a global database, which Sluice does not migrate: a restore would leave its other Regions behind",
  },
  {
    given: /\.proxy-\w+\.[\w-]+\.rds\.amazonaws\.com(\.cn)?$|^arn:aws[\w-]*:rds:[^:]*:\d*:db-proxy/,
    say: "belongs to an RDS Proxy. Give the database behind it",
  },
];

// Endpoints of clusters, of their readers, and of some of their instances; then endpoints of instances.
const CLUSTER =
  /^([\w-]+)\.cluster-(?:(?:ro|custom)-)?\w+\.[\w-]+\.rds\.amazonaws\.com(?:\.cn)?$|^arn:aws[\w-]*:rds:[^:]*:\d*:cluster:([\w-]+)$/;
const INSTANCE =
  /^([\w-]+)\.\w+\.[\w-]+\.rds\.amazonaws\.com(?:\.cn)?$|^arn:aws[\w-]*:rds:[^:]*:\d*:db:([\w-]+)$/;

type Kind = "instance" | "cluster";

/** The message for a value that is no identifier, but something else of AWS. */
function insteadOfIdentifier(text: string, wanted: Kind): string | undefined {
  // An endpoint may have a port.
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
    if (kind === wanted) return `is an endpoint or an ARN. Give only the identifier, ${name}`;
    return kind === "cluster"
      ? `belongs to a cluster. Instead of database.instance, give database.cluster: ${name}`
      : `belongs to an instance. Give the identifier of its cluster or, if it is in none, database.instance: ${name}`;
  }
  return undefined;
}

/** Identifier of a DB instance or cluster; RDS has it in lower case. */
export function identifier(kind: Kind) {
  return z.string().superRefine((name, context) => {
    const refuse = (message: string) => context.addIssue({ code: "custom", message });
    const instead = insteadOfIdentifier(name, kind);
    if (instead !== undefined) refuse(`${name} ${instead}`);
    else if (!/^[a-z](-?[a-z0-9])*$/.test(name)) refuse(`a DB ${kind} identifier, in lower case`);
    else if (name.length > 63) refuse("at most 63 characters");
    else if (name.startsWith("sluice-"))
      refuse("must not start with sluice-, the prefix of what Sluice deletes");
  });
}
