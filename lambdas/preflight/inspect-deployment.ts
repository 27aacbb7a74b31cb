import type { ProductionDoc } from "../shared/documents.ts";
import { noWayBack } from "../shared/plan.ts";
import type { Ports, PreflightCheck } from "../shared/ports.ts";

const GIB = 1024 ** 3;

/** What can be told without a session: disk, alarms, contacts of the run with the world. */
export async function inspectDeployment(ports: Ports, production: ProductionDoc): Promise<PreflightCheck[]> {
  const { minimumFreeGiB } = ports.plan.server;
  const free = production.freeBytes;
  const checks: PreflightCheck[] = [
    {
      name: "free disk",
      passed: free === null ? null : free >= minimumFreeGiB * GIB,
      expected: `at least ${minimumFreeGiB} GiB`,
      seen: free === null ? "not told by this server" : `${(free / GIB).toFixed(1)} GiB`,
      mend: "Give the instance more storage, or free some.",
    },
    // Seen from outside, when the run was admitted: what is in the database's network cannot ask the fleet.
    ...(production.findings?.checks ?? []),
  ];
  checks.push(...wayBackFromEach(ports));
  const { application } = ports.plan;
  const requests = [application.stop, application.start, application.test, ...application.smoke];
  const relative = requests.some((request) => request?.url.startsWith("/"));
  if (relative)
    checks.push({
      name: "application URL",
      // Without it the hooks and smoke tests cannot be run; people decide at the gate whether that will do.
      passed: ports.settings.applicationUrl === undefined ? null : true,
      expected: "an address for the plan's hooks and smoke tests",
      seen: ports.settings.applicationUrl ?? "none is set; hooks and smoke tests will not be run",
      mend: "Set application.url.",
    });
  return checks;
}

function wayBackFromEach({ plan, settings }: Ports): PreflightCheck[] {
  const problem = noWayBack(plan, settings);
  if (!problem) return [];
  return [
    {
      name: "a way back",
      passed: plan.acceptNoWayBack ? null : false,
      expected: "one from each migration on",
      ...problem,
    },
  ];
}
