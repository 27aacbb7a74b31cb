import * as z from "zod";
import { releaseClaim, takeClaim } from "../ledger/ledger.ts";
import { Doc, docName, type FenceDoc } from "../shared/documents.ts";
import { messageOf } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { applicationRoles, withTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { DONE, runFields, type Task } from "../shared/task.ts";
import {
  connectRights,
  END_THEM,
  giveBack,
  looseInWords,
  looseSessions,
  losesConnect,
  migrationsStand,
  readAccess,
  revokedByPlan,
  stillAllowed,
  takeConnect,
  withMembers,
} from "./access.ts";
import { keepStill, setGoing } from "./stilled.ts";

const event = z.discriminatedUnion("action", [
  z.strictObject({ ...runFields, action: z.literal("fence"), again: z.boolean() }),
  z.strictObject({ ...runFields, action: z.literal("lift") }),
  z.strictObject({ ...runFields, action: z.literal("leave") }),
]);

export const fenceTask: Task<z.infer<typeof event>> = {
  name: "fence",
  event,
  async run(request, ports, evidence) {
    if (request.action === "fence") {
      await fence(ports, evidence, request.execution, request.again);
      return DONE;
    }
    if (request.action === "lift") {
      await evidence.createOnce(Doc.fenceLifting, { at: ports.clock.now().toISOString() });
      await lift(ports, evidence);
      // A failure here is no reason to go back: the end of the run tries again, and reports what is still stopped.
      await setGoing(ports, evidence).catch((error: unknown) => ports.progress(messageOf(error)));
      return DONE;
    }
    // Each is given back even if another fails.
    const failed: unknown[] = [];
    for (const give of [lift, setGoing, leave])
      await give(ports, evidence).catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw failed[0];
    return DONE;
  },
};

/** How long terminated sessions may take to end. */
const PATIENCE_MS = 15_000;
const LOOK_EVERY_MS = 250;

/**
 * Keeps other runs and the application out of production, and stops jobs and subscriptions that write there. The state
 * before is noted first, so that the fence can be lifted whatever happens in between.
 * @throws SluiceError RunLocked if another deployment's run holds this database
 * @throws Error if an application role can still connect, or its sessions do not end
 */
async function fence(ports: Ports, evidence: RunEvidence, execution: string, again: boolean): Promise<void> {
  const name = again ? Doc.fenceAgain : Doc.fence;
  const mode = ports.settings.fence;
  await withTarget(ports, evidence, "production", async (session) => {
    await takeClaim(session, evidence.run, execution);
    const roles = await withMembers(session, applicationRoles(ports));
    const { taken, granted } = await evidence.getOrCreate(docName<FenceDoc>(name), async () => {
      // Without named or found roles nobody is kept out; preflight and the gates report that.
      const taken =
        mode === "none" || roles.length === 0
          ? []
          : revokedByPlan(await connectRights(session, roles), ports.plan);
      const granted = await losesConnect(session, taken);
      return {
        at: ports.clock.now().toISOString(),
        mode,
        aclBefore: mode === "none" ? null : await readAccess(session),
        taken,
        ...(granted.length > 0 ? { granted } : {}),
        roles,
      };
    });
    if (mode === "none") return;
    await takeConnect(session, taken, granted);
    const allowed = await stillAllowed(session, roles);
    if (allowed.length > 0)
      throw new Error(
        `The fence does not hold: ${allowed.join(", ")} can still connect. A superuser cannot be fenced.`,
      );
    await keepStill(session, ports, evidence, again ? "again" : "first");
    const ended = await endSessions(session, roles, ports);
    const loose = await looseSessions(session, roles);
    // On the way back the run continues, because stopping would not help.
    if (loose.length > 0 && again) ports.progress(`not kept out: ${looseInWords(loose).join(", ")}`);
    else if (loose.length > 0)
      throw new Error(`The fence does not hold: ${looseInWords(loose).join(", ")} can write. ${END_THEM}`);
    ports.progress(
      `${roles.join(", ") || "nobody"} kept out, ${ended} session${ended === 1 ? "" : "s"} ended`,
    );
  });
}

/**
 * Gives the application's roles back what the fence took. Grants and revokes by the migrations stay while these are on
 * production. Does nothing if this run has no fence up.
 */
async function lift(ports: Ports, evidence: RunEvidence): Promise<void> {
  const restored = (await evidence.read(Doc.restored)) !== undefined;
  for (const [set, lifted] of [
    [Doc.fenceAgain, Doc.fenceAgainLifted],
    [Doc.fence, Doc.fenceLifted],
    // Lifted before or not: the restored production has the fence of the backup again.
    ...(restored ? [[Doc.fence, Doc.fenceRestoredLifted] as const] : []),
  ] as const) {
    const standing = await evidence.read(docName<FenceDoc>(set));
    if (!standing || (await evidence.read(lifted))) continue;
    if (standing.mode === "connect") {
      const stand = await migrationsStand(evidence);
      const due = standing.taken.filter((right) => !(stand && right.revokedByPlan));
      await withTarget(ports, evidence, "production", (session) => giveBack(session, due, standing.granted));
    }
    await evidence.createOnce(lifted, { at: ports.clock.now().toISOString() });
  }
}

/** Releases the claim on this database. Does nothing if this run never reached the fence. */
async function leave(ports: Ports, evidence: RunEvidence): Promise<void> {
  if (await evidence.read(Doc.fence))
    await withTarget(ports, evidence, "production", (session) => releaseClaim(session, evidence.run));
}

/** Ends the sessions of these roles, and returns how many were ended. */
async function endSessions(session: Session, roles: readonly string[], ports: Ports): Promise<number> {
  const seen = new Set<number>();
  const until = ports.clock.now().getTime() + PATIENCE_MS;
  for (;;) {
    const rows = await session.query<{ pid: number }>(
      `SELECT a.pid, pg_terminate_backend(a.pid) FROM pg_stat_activity a
        WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.usename = ANY($1)`,
      [roles],
    );
    for (const { pid } of rows) seen.add(pid);
    if (rows.length === 0) return seen.size;
    if (ports.clock.now().getTime() > until)
      throw new Error(
        `Sessions of ${roles.join(", ")} did not end: pid ${rows.map((row) => row.pid).join(", ")}`,
      );
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
