import * as z from "zod";

/** What people give in place of an identifier, and what is to be said of it. `$1` is the identifier that is in it. */
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
  {
    given:
      /^([\w-]+)\.cluster-(?:(?:ro|custom)-)?\w+\.[\w-]+\.rds\.amazonaws\.com(?:\.cn)?$|^arn:aws[\w-]*:rds:[^:]*:\d*:cluster:([\w-]+)$/,
    say: "is a cluster's, and no run works on clusters yet: give an instance that is in none",
  },
  {
    given: /^([\w-]+)\.\w+\.[\w-]+\.rds\.amazonaws\.com(?:\.cn)?$|^arn:aws[\w-]*:rds:[^:]*:\d*:db:([\w-]+)$/,
    say: "is an endpoint or an ARN: give the identifier alone, $1",
  },
];

/** What is wrong with it where it is something else of AWS's than an identifier. */
function insteadOfIdentifier(text: string): string | undefined {
  // An endpoint may come with its port.
  const given = text.trim().replace(/:\d+$/, "");
  for (const { given: pattern, say } of INSTEAD) {
    const match = pattern.exec(given);
    if (match) return say.replace("$1", match[1] ?? match[2] ?? "");
  }
  return undefined;
}

/** Identifier of a DB instance, as RDS takes it in lower case. */
export const instanceIdentifier = z.string().superRefine((name, context) => {
  const refuse = (message: string) => context.addIssue({ code: "custom", message });
  const instead = insteadOfIdentifier(name);
  if (instead !== undefined) refuse(`${name} ${instead}`);
  else if (!/^[a-z](-?[a-z0-9])*$/.test(name)) refuse("a DB instance identifier, in lower case");
  else if (name.length > 63) refuse("at most 63 characters");
  else if (name.startsWith("sluice-"))
    refuse("must not start with sluice-, which names what is deleted again");
});
