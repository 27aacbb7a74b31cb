import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { Environment, LeaseHolder } from "../shared/ports.ts";

/**
 * Takes the lease of an instance. There is one per instance, because a restore takes back all its databases. A lease is
 * taken over if its execution no longer runs; its age does not matter.
 * @throws SluiceError RunLocked, naming the run that holds it
 */
export async function takeLease(ports: Environment, name: string, holder: LeaseHolder): Promise<void> {
  const lease = await ports.evidence.readLease(name);
  const current = lease?.holder ?? null;
  if (current?.run === holder.run) return;
  if (current && (await ports.executions.isRunning(current.execution))) throw locked(name, current);
  if (await ports.evidence.swapLease(name, lease, holder)) return;
  const winner = (await ports.evidence.readLease(name))?.holder;
  if (winner?.run === holder.run) return;
  throw locked(name, winner ?? null);
}

/**
 * Hands the lease of a stopped run to the execution of its clean-up, so that no other run gets the database before that
 * has ended.
 * @throws SluiceError RunLocked if another run already holds it
 */
export async function inheritLease(ports: Environment, name: string, heir: LeaseHolder): Promise<void> {
  const lease = await ports.evidence.readLease(name);
  const current = lease?.holder ?? null;
  if (current?.execution === heir.execution) return;
  if (current && current.run !== heir.run) throw locked(name, current);
  if (!(await ports.evidence.swapLease(name, lease, heir)))
    throw new Error(`The lease of ${name} changed while it was handed over`);
}

/**
 * Checks that no other run holds the lease, and changes nothing.
 * @throws SluiceError RunLocked if another run holds it
 */
export async function refuseOthersLease(ports: Environment, name: string, run: string): Promise<void> {
  const current = (await ports.evidence.readLease(name))?.holder;
  if (current && current.run !== run) throw locked(name, current);
}

/** Releases the lease if this run holds it. */
export async function releaseLease(ports: Environment, name: string, run: string): Promise<void> {
  const lease = await ports.evidence.readLease(name);
  if (lease?.holder?.run !== run) return;
  if (!(await ports.evidence.swapLease(name, lease, null)))
    throw new Error(`The lease of ${name} changed while run ${run} gave it back`);
}

function locked(name: string, by: LeaseHolder | null): SluiceError {
  const who = by ? `run ${by.run} (since ${by.since})` : "another run";
  return new SluiceError(
    ErrorName.RunLocked,
    `${who} is working on ${name}. Wait until it has ended, or stop it. Then start this run again.`,
  );
}
