/** RDS's query protocol, as far as calls about clusters need it. */

type Value = string | number | boolean | Date | object | undefined | null;

/** A call's parameters as the SDK took them: `Tags.Tag.1.Key` is in a list. */
export function inputOf(call: Readonly<Record<string, string>>): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const [path, text] of Object.entries(call)) {
    if (path === "Action" || path === "Version") continue;
    const [key = "", ...rest] = path.split(".");
    const [member, at, field] = rest;
    if (at === undefined) {
      if (member === undefined) input[key] = asValue(text);
      else input[key] = { ...(input[key] as object), [member]: asValue(text) };
      continue;
    }
    input[key] ??= [];
    const list = input[key] as unknown[];
    const place = Number(at) - 1;
    if (field === undefined) list[place] = text;
    else list[place] = { ...(list[place] as object), [field]: text };
  }
  return input;
}

function asValue(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** What members of a list are called. */
const MEMBER: Readonly<Record<string, string>> = {
  DBClusters: "DBCluster",
  DBClusterMembers: "DBClusterMember",
  DBClusterSnapshots: "DBClusterSnapshot",
  DBInstances: "DBInstance",
  DBParameterGroups: "DBParameterGroup",
  VpcSecurityGroups: "VpcSecurityGroupMembership",
  AssociatedRoles: "DBClusterRole",
  TagList: "Tag",
};

export function answerXml(action: string, output: object): string {
  return `<${action}Response xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><${action}Result>${xml(output)}</${action}Result><ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata></${action}Response>`;
}

function xml(of: object): string {
  return Object.entries(of as Record<string, Value>)
    .map(([key, value]) =>
      value === undefined || value === null ? "" : `<${key}>${inner(key, value)}</${key}>`,
    )
    .join("");
}

function inner(key: string, value: NonNullable<Value>): string {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) {
    const name = MEMBER[key] ?? "member";
    return value.map((one) => `<${name}>${inner(name, one)}</${name}>`).join("");
  }
  if (typeof value === "object") return xml(value);
  return String(value).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
