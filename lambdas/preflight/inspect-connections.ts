import { nameInSql } from "../shared/name-in-sql.ts";
import { applicationRoles } from "../shared/places.ts";
import type { CompiledPlan } from "../shared/plan.ts";
import type { Ports, PreflightCheck } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { type Connections, readConnections, utilization } from "../watch/connections.ts";
import { quantity, standingOf, thresholdText } from "../watch/thresholds.ts";

/** Whether the application's pool has room, and how full the server is before anything is done to it. */
export async function inspectConnections(session: Session, ports: Ports): Promise<PreflightCheck[]> {
  const { plan } = ports;
  const found = await readConnections(session, applicationRoles(ports));
  return [room(found, plan.server.minimumConnections), ...fullness(found, plan)];
}

/** What others than the application use is not there for its pool. */
function room({ used, usedByRoles, most, limits }: Connections, minimum: number): PreflightCheck {
  const left = most - (used - usedByRoles);
  const narrow = limits.filter((limit) => limit.most < minimum);
  return {
    name: "connections",
    passed: left >= minimum && narrow.length === 0,
    expected: `at least ${minimum} for the application`,
    seen: [
      `${left} of ${most} (${used} in use, ${usedByRoles} of them by the application)`,
      ...narrow.map((limit) => `role ${limit.role} may have ${limit.most}`),
    ].join("; "),
    mend:
      narrow.length > 0
        ? `Lift the limit: ALTER ROLE ${narrow.map(({ role }) => nameInSql(role)).join(", ")} CONNECTION LIMIT -1, one role at a time.`
        : "Raise max_connections in the parameter group, lift the database's CONNECTION LIMIT, or end sessions of others.",
  };
}

/** By the plan's own thresholds, where it watches this at all. */
function fullness(found: Connections, plan: CompiledPlan): PreflightCheck[] {
  const metric = plan.watch?.metrics.find(({ source }) => source.kind === "connections");
  if (!metric) return [];
  const value = utilization(found);
  const standing = standingOf(metric, value);
  return [
    {
      name: "connection utilization",
      passed: standing === "between" ? null : standing === "target",
      expected: `${thresholdText(metric.target, metric.unit)}, and not ${thresholdText(metric.alert, metric.unit)}`,
      seen: `${quantity(value, metric.unit)} (${found.used} of ${found.most})`,
      mend: "End sessions that are idle, or make the pools smaller: the run needs a few sessions of its own.",
    },
  ];
}
