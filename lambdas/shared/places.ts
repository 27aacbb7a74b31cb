import { Doc, type StagingDoc, type Target } from "./documents.ts";
import type { RunEvidence } from "./evidence.ts";
import type { Endpoint, Ports } from "./ports.ts";
import type { OpenSession, Session } from "./session.ts";

/** Where that database answers, as the run's evidence has it. */
export async function endpointOf(evidence: RunEvidence, target: Target): Promise<Endpoint> {
  if (target === "staging")
    return ((await stagingNow(evidence)) ?? (await evidence.require(Doc.staging))).endpoint;
  // While nothing has taken its place yet, the former production is all that there is.
  const moved = (await evidence.read(Doc.restored)) ?? (await evidence.read(Doc.movedAside));
  return (moved ?? (await evidence.require(Doc.production))).endpoint;
}

/** The copy that is staging now: the second one, once the restore itself was rehearsed; undefined: there is none yet. */
export async function stagingNow(evidence: RunEvidence): Promise<StagingDoc | undefined> {
  return (await evidence.read(Doc.stagingAgain)) ?? (await evidence.read(Doc.staging));
}

/** One session on production or staging, closed when `work` is done. */
export async function withTarget<T>(
  ports: Ports,
  evidence: RunEvidence,
  target: Target,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  return await ports.databases.withSession(await endpointOf(evidence, target), work);
}

/** One session on another database of production's or staging's instance. */
export async function withNeighbour<T>(
  ports: Ports,
  evidence: RunEvidence,
  target: Target,
  database: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  return await ports.databases.withSession(await endpointOf(evidence, target), work, database);
}

/** Opens further sessions on that database, to look at what the first one does; undefined where there can be only one. */
export function besideTarget(ports: Ports, evidence: RunEvidence, target: Target): OpenSession | undefined {
  return ports.databases.single ? undefined : (work) => withTarget(ports, evidence, target, work);
}

/** The plan's application roles and the deployment's, each once. */
export function applicationRoles(ports: Ports): string[] {
  return [...new Set([...ports.plan.applicationRoles, ...ports.settings.applicationRoles])];
}
