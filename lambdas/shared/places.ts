import { Doc, type StagingDoc, type Target } from "./documents.ts";
import type { RunEvidence } from "./evidence.ts";
import type { Endpoint, Ports } from "./ports.ts";
import type { OpenSession, Session } from "./session.ts";

/** Returns the address of production or staging from the run's evidence. */
export async function endpointOf(evidence: RunEvidence, target: Target): Promise<Endpoint> {
  if (target === "staging")
    return ((await stagingNow(evidence)) ?? (await evidence.require(Doc.staging))).endpoint;
  // Between moving production aside and the end of the restore, only the former production answers.
  const moved = (await evidence.read(Doc.restored)) ?? (await evidence.read(Doc.movedAside));
  return (moved ?? (await evidence.require(Doc.production))).endpoint;
}

/** Returns the current staging copy: the second one once the restore itself was rehearsed; undefined before the first. */
export async function stagingNow(evidence: RunEvidence): Promise<StagingDoc | undefined> {
  return (await evidence.read(Doc.stagingAgain)) ?? (await evidence.read(Doc.staging));
}

/** Runs `work` in one session on production or staging, and closes the session. */
export async function withTarget<T>(
  ports: Ports,
  evidence: RunEvidence,
  target: Target,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  return await ports.databases.withSession(await endpointOf(evidence, target), work);
}

/** Runs `work` in one session on another database of production's or staging's instance. */
export async function withNeighbour<T>(
  ports: Ports,
  evidence: RunEvidence,
  target: Target,
  database: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  return await ports.databases.withSession(await endpointOf(evidence, target), work, database);
}

/** Returns a function that opens further sessions, to observe the first; undefined where only one session is possible. */
export function besideTarget(ports: Ports, evidence: RunEvidence, target: Target): OpenSession | undefined {
  return ports.databases.single ? undefined : (work) => withTarget(ports, evidence, target, work);
}

/** Returns the application roles of the plan and the deployment, each once. */
export function applicationRoles(ports: Ports): string[] {
  return [...new Set([...ports.plan.applicationRoles, ...ports.settings.applicationRoles])];
}
