import type { DBInstance } from "@aws-sdk/client-rds";

// What RDS's API lists beside RDS for PostgreSQL. Names are as AWS's documentation has them.
const PRODUCTS: readonly { engine: RegExp; product: string }[] = [
  { engine: /^aurora-postgresql$/, product: "Aurora PostgreSQL" },
  { engine: /^aurora(-mysql)?$/, product: "Aurora MySQL" },
  { engine: /^mysql$/, product: "RDS for MySQL" },
  { engine: /^mariadb$/, product: "RDS for MariaDB" },
  { engine: /^oracle-/, product: "RDS for Oracle" },
  { engine: /^sqlserver-/, product: "RDS for SQL Server" },
  { engine: /^db2-/, product: "RDS for Db2" },
  { engine: /^custom-/, product: "RDS Custom" },
  { engine: /^neptune$/, product: "Neptune" },
  { engine: /^docdb$/, product: "DocumentDB" },
];

/** What people know an engine by; the engine's own name where it is a new one. */
export function productOf(engine: string): string {
  return PRODUCTS.find((one) => one.engine.test(engine))?.product ?? engine;
}

/** Why Sluice does not migrate what runs that engine, whether or not it is in a cluster; undefined: it does. */
export function foreignEngine(name: string, engine: string | undefined): string | undefined {
  // Every answer of RDS names it.
  if (engine === undefined || engine === "postgres" || engine === "aurora-postgresql") return undefined;
  return `${name} runs ${productOf(engine)} (engine ${engine}), which is not PostgreSQL: Sluice migrates PostgreSQL alone.`;
}

/** Which cluster the instance is a member of, and what kind that is; undefined: of none. */
export function clusterOf(db: DBInstance): { id: string; kind: "Aurora" | "Multi-AZ" } | undefined {
  // What has none may have an empty one, as XML has empty elements.
  const id = db.DBClusterIdentifier || undefined;
  return id === undefined ? undefined : { id, kind: isAurora(db.Engine) ? "Aurora" : "Multi-AZ" };
}

export function isAurora(engine: string | undefined): boolean {
  return /^aurora/.test(engine ?? "");
}
