import {
  DescribeAccountAttributesCommand,
  DescribeDBMajorEngineVersionsCommand,
  DescribeDBProxyTargetsCommand,
  paginateDescribeBlueGreenDeployments,
  paginateDescribeDBProxies,
  type RDSClient,
} from "@aws-sdk/client-rds";
import { SluiceError } from "../errors.ts";
import type { PreflightCheck } from "../ports.ts";
import { refusal } from "./rds-calls.ts";
import type { Found } from "./rds-findings.ts";

/** An instance or a cluster, with the facts that checks of its surroundings need. */
export interface Subject {
  id: string;
  arn: string | undefined;
  /** Resource id, by which a proxy's target may name it. */
  resourceId: string | undefined;
  engine: string | undefined;
  engineVersion: string;
  lifecycleSupport: string | undefined;
  /** The most that a run adds: the quota's name in RDS, the number, and the unit for people. */
  adds: readonly { quota: string; more: number; of: string }[];
}

/** Returns the call's findings; where RDS refuses the call, a check that asks people to look themselves. */
export async function looked(name: string, call: () => Promise<Found>): Promise<Found> {
  try {
    return await call();
  } catch (error) {
    const refusing = refusal(error, `describe ${name}`);
    if (!(refusing instanceof SluiceError)) throw refusing;
    return {
      checks: [
        {
          name,
          passed: null,
          expected: "RDS answers the question",
          seen: refusing.message,
          mend: "Check it in the RDS console.",
        },
      ],
    };
  }
}

export const check = (
  name: string,
  expected: string,
  seen: string,
  mend: string,
  passed: boolean | null,
): PreflightCheck => ({
  name,
  passed,
  expected,
  seen,
  mend,
});

/** Before the switchover one of the two is a replica of the other, and a rename or a restore would separate them. */
export async function blueGreen(client: RDSClient, db: Subject): Promise<Found> {
  return await looked("blue/green deployments", async () => {
    const { arn } = db;
    const found: string[] = [];
    for await (const page of paginateDescribeBlueGreenDeployments({ client }, {}))
      for (const one of page.BlueGreenDeployments ?? []) {
        const members = [
          one.Source,
          one.Target,
          ...(one.SwitchoverDetails ?? []).flatMap(({ SourceMember, TargetMember }) => [
            SourceMember,
            TargetMember,
          ]),
        ];
        if (one.Status === "SWITCHOVER_COMPLETED" || arn === undefined || !members.includes(arn)) continue;
        found.push(`${one.BlueGreenDeploymentName ?? one.BlueGreenDeploymentIdentifier} (${one.Status})`);
      }
    if (found.length === 0) return { checks: [check("blue/green deployments", "none", "none", "", true)] };
    return {
      refusals: [
        `${db.id} is part of the blue/green deployment ${found.join(", ")}: it cannot be renamed or restored meanwhile. Switch over or delete the deployment, then start the run again.`,
      ],
    };
  });
}

/** Checks whether the account's quotas allow what a run adds. */
export async function quotas(client: RDSClient, db: Subject): Promise<Found> {
  return await looked("quotas of RDS", async () => {
    const { AccountQuotas = [] } = await client.send(new DescribeAccountAttributesCommand({}));
    return {
      checks: db.adds.flatMap(({ quota, more, of }) => {
        const found = AccountQuotas.find(({ AccountQuotaName }) => AccountQuotaName === quota);
        const { Used: used, Max: max } = found ?? {};
        if (used === undefined || max === undefined) return [];
        return [
          check(
            `quota of ${of}`,
            `room for ${more} more`,
            `${used} of ${max}`,
            "Delete unused ones, or ask AWS for a higher quota.",
            used + more <= max,
          ),
        ];
      }),
    };
  });
}

/** A proxy's target is the resource itself, so a restored instance or cluster is not registered with the proxy. */
export async function proxies(client: RDSClient, db: Subject): Promise<Found> {
  return await looked("RDS Proxy", async () => {
    const names: string[] = [];
    for await (const page of paginateDescribeDBProxies({ client }, {}))
      for (const { DBProxyName } of page.DBProxies ?? []) {
        if (DBProxyName === undefined) continue;
        const { Targets = [] } = await client.send(new DescribeDBProxyTargetsCommand({ DBProxyName }));
        const ids = [db.id, db.resourceId];
        if (
          Targets.some(
            ({ RdsResourceId, TargetArn }) =>
              (RdsResourceId !== undefined && ids.includes(RdsResourceId)) ||
              (TargetArn !== undefined && TargetArn === db.arn),
          )
        )
          names.push(DBProxyName);
      }
    if (names.length === 0) return { checks: [check("RDS Proxy", "none, or accepted", "none", "", true)] };
    const list = names.join(", ");
    const again = `Check the targets of RDS Proxy ${list}, and register ${db.id} again (aws rds deregister-db-proxy-targets, then register-db-proxy-targets).`;
    return {
      checks: [
        check(
          "RDS Proxy",
          "none, or accepted",
          `${list}: it accepts sessions while production is fenced, and they wait`,
          "Make sure that the application tolerates that. After a restore register the instance with the proxy again.",
          null,
        ),
      ],
      names,
      forGates: [
        `RDS Proxy ${list} is in front. Behind the fence its clients wait and then fail. After a restore they reach production only when the new instance is registered with the proxy.`,
      ],
      afterRestore: [again],
    };
  });
}

const STANDARD = "open-source-rds-standard-support";
const DISABLED = "open-source-rds-extended-support-disabled";

/** After the end of standard support, a restore upgrades the version, or Extended Support costs extra. */
export async function lifecycle(client: RDSClient, db: Subject): Promise<Found> {
  return await looked("support of the engine", async () => {
    const major = db.engineVersion.split(".")[0] ?? "";
    const { DBMajorEngineVersions = [] } = await client.send(
      new DescribeDBMajorEngineVersionsCommand({ Engine: db.engine, MajorEngineVersion: major }),
    );
    const ends = DBMajorEngineVersions.find(
      ({ MajorEngineVersion }) => MajorEngineVersion === major,
    )?.SupportedEngineLifecycles?.find(
      ({ LifecycleSupportName }) => LifecycleSupportName === STANDARD,
    )?.LifecycleSupportEndDate;
    const name = "support of the engine";
    const expected = "standard support for this major version";
    if (ends === undefined) return {};
    const day = ends.toISOString().slice(0, 10);
    if (ends.getTime() > Date.now()) return { checks: [check(name, expected, `until ${day}`, "", true)] };
    const upgrades = db.lifecycleSupport === DISABLED;
    const what = upgrades
      ? `RDS upgrades a restored instance to a newer major version, as Extended Support is off for ${db.id}`
      : `RDS charges Extended Support for staging and for a restored production`;
    return {
      checks: [
        check(
          name,
          expected,
          `ended on ${day}: ${what}`,
          upgrades
            ? "Upgrade production first, or turn Extended Support on for it. A rehearsal on another version proves little, and a restored production would run another version."
            : "Upgrade production first, or accept the charge.",
          null,
        ),
      ],
      ...(upgrades
        ? { forGates: [`Standard support of PostgreSQL ${major} ended on ${day}: ${what}.`] }
        : {}),
    };
  });
}
