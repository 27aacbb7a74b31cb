import * as z from "zod";
import { releaseClaim, takeClaim } from "../ledger/claim.ts";
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
      // No reason to go back: the end of the run tries again, and reports what is still not given back.
      await setGoing(ports, evidence).catch((error: unknown) => ports.progress(messageOf(error)));
      return DONE;
    }
    // Each is given back also where another cannot be.
    const failed: unknown[] = [];
    for (const give of [lift, setGoing, leave])
      await give(ports, evidence).catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw failed[0];
    return DONE;
  },
};

/** How long sessions that were told to end may take to do so. */
const PATIENCE_MS = 15_000;
const LOOK_EVERY_MS = 250;

/**
 * Keeps other runs and the application out of production, and still what writes there by itself. What was there is noted
 * before anything is changed, so that the fence can be lifted whatever happens in between.
 * @throws SluiceError RunLocked where another deployment's run has this database
 * @throws Error when an application role may still connect, or its sessions do not end.
 */
async function fence(ports: Ports, evidence: RunEvidence, execution: string, again: boolean): Promise<void> {
  const name = again ? Doc.fenceAgain : Doc.fence;
  const mode = ports.settings.fence;
  await withTarget(ports, evidence, "production", async (session) => {
    await takeClaim(session, evidence.run, execution);
    const roles = await withMembers(session, applicationRoles(ports));
    const { taken, granted } = await evidence.getOrCreate(docName<FenceDoc>(name), async () => {
      // Where nobody is named or found there is nobody to keep out; preflight and the gates say so.
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
        `The fence does not hold: ${allowed.join(", ")} may still connect. A superuser cannot be fenced.`,
      );
    await keepStill(session, ports, evidence, again ? "again" : "first");
    const ended = await endSessions(session, roles, ports);
    const loose = await looseSessions(session, roles);
    // On a way back nothing is gained by not going it.
    if (loose.length > 0 && again) ports.progress(`not kept out: ${looseInWords(loose).join(", ")}`);
    else if (loose.length > 0)
      throw new Error(`The fence does not hold: ${looseInWords(loose).join(", ")} may write. ${END_THEM}`);
    ports.progress(
      `${roles.join(", ") || "nobody"} kept out, ${ended} session${ended === 1 ? "" : "s"} ended`,
    );
  });
}

/**
 * Gives the application roles back what the fence took. What the migrations granted or revoked stays so, where they
 * stand. Does nothing where no fence of this run stands.
 */
async function lift(ports: Ports, evidence: RunEvidence): Promise<void> {
  const restored = (await evidence.read(Doc.restored)) !== undefined;
  for (const [set, lifted] of [
    [Doc.fenceAgain, Doc.fenceAgainLifted],
    [Doc.fence, Doc.fenceLifted],
    // Lifted before or not: what stands in production's place now is as it was when the snapshot was taken.
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

/** Lets the next run have this database. Does nothing where this run has not come as far as the fence. */
async function leave(ports: Ports, evidence: RunEvidence): Promise<void> {
  if (await evidence.read(Doc.fence))
    await withTarget(ports, evidence, "production", (session) => releaseClaim(session, evidence.run));
}

/** Ends the sessions of these roles; resolves to how many there were when none is left. */
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
        `Sessions of ${roles.join(", ")} do not end: pid ${rows.map((row) => row.pid).join(", ")}`,
      );
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
