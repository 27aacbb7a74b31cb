import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { Environment, LeaseHolder } from "../shared/ports.ts";

/**
 * Takes the one lease that an instance has: a restore takes all of its databases back. A lease is taken over where its
 * execution and workers no longer run: that is asked for, its age says nothing.
 * @throws SluiceError RunLocked, naming the run that holds it.
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
 * Hands the lease of a run that was stopped to the execution that cleans up after it: until that has ended, no other run
 * gets the database.
 * @throws SluiceError RunLocked where another run has it already
 */
export async function inheritLease(ports: Environment, name: string, heir: LeaseHolder): Promise<void> {
  const lease = await ports.evidence.readLease(name);
  const current = lease?.holder ?? null;
  if (current?.execution === heir.execution) return;
  if (current && current.run !== heir.run) throw locked(name, current);
  if (!(await ports.evidence.swapLease(name, lease, heir)))
    throw new Error(`The lease of ${name} changed while it was handed on`);
}

/**
 * Looks whether a run may clean up after itself, and changes nothing.
 * @throws SluiceError RunLocked where another run has the database
 */
export async function refuseOthersLease(ports: Environment, name: string, run: string): Promise<void> {
  const current = (await ports.evidence.readLease(name))?.holder;
  if (current && current.run !== run) throw locked(name, current);
}

/** Gives the lease back, if this run has it. */
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
    `${who} is at work on ${name}. Wait until it has ended, or stop it, and start this run again.`,
  );
}
