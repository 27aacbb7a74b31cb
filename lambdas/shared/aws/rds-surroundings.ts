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

/** What lies around something of RDS's: an instance, or a cluster. */
export interface Subject {
  id: string;
  arn: string | undefined;
  /** By which a proxy's target may name it. */
  resourceId: string | undefined;
  engine: string | undefined;
  engineVersion: string;
  lifecycleSupport: string | undefined;
  /** What a run adds to it at most: names of RDS's quotas, how many, and of what as people read it. */
  adds: readonly { quota: string; more: number; of: string }[];
}

/** What was found; where RDS refuses to be asked, that is a check that people are left with. */
export async function looked(name: string, call: () => Promise<Found>): Promise<Found> {
  try {
    return await call();
  } catch (error) {
    const refusing = refusal(error, `tell about ${name}`);
    if (!(refusing instanceof SluiceError)) throw refusing;
    return {
      checks: [
        {
          name,
          passed: null,
          expected: "can be found out",
          seen: refusing.message,
          mend: "Look for yourself, in the RDS console.",
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

/** Until it is switched over, one of the two is a replica of the other; a rename or a restore would tear them apart. */
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
        `${db.id} is part of the blue/green deployment ${found.join(", ")}: it can be neither renamed nor restored meanwhile. Switch over, or delete the deployment, then start the run again.`,
      ],
    };
  });
}

/** Whether there is room for what a run adds. */
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
            "Delete what nobody needs, or ask AWS for a higher quota.",
            used + more <= max,
          ),
        ];
      }),
    };
  });
}

/** A proxy keeps the instance or cluster as its target by what it is, and so knows nothing of one that is restored. */
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
    if (names.length === 0) return { checks: [check("RDS Proxy", "none, or known about", "none", "", true)] };
    const list = names.join(", ");
    const again = `Look at the targets of RDS Proxy ${list}, and register ${db.id} again (aws rds deregister-db-proxy-targets, then register-db-proxy-targets).`;
    return {
      checks: [
        check(
          "RDS Proxy",
          "none, or known about",
          `${list}: it takes sessions while production is fenced, and lets them wait`,
          "Let the application bear that. After a restore the instance must be registered with it again.",
          null,
        ),
      ],
      forGates: [
        `RDS Proxy ${list} is in front: behind the fence its clients wait and then fail, and after a restore the new instance must be registered with it before they get through.`,
      ],
      afterRestore: [again],
    };
  });
}

const STANDARD = "open-source-rds-standard-support";
const DISABLED = "open-source-rds-extended-support-disabled";

/** Past its standard support, a version is upgraded by a restore, or costs more. */
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
      ? `RDS upgrades what is restored to a newer major version, as Extended Support is off for ${db.id}`
      : `RDS charges Extended Support for staging, and for what is restored`;
    return {
      checks: [
        check(
          name,
          expected,
          `over since ${day}: ${what}`,
          upgrades
            ? "Upgrade production first, or turn Extended Support on for it: a rehearsal on another version proves little, and a restore would not be production."
            : "Upgrade production first, or bear the charge.",
          null,
        ),
      ],
      ...(upgrades
        ? { forGates: [`Standard support of PostgreSQL ${major} is over since ${day}: ${what}.`] }
        : {}),
    };
  });
}
