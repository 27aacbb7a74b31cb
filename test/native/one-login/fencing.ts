import { fenceTask } from "../../../lambdas/fence/task.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import { withPgSession } from "../../../lambdas/shared/pg-session.ts";
import type { Ports } from "../../../lambdas/shared/ports.ts";
import type { Session } from "../../../lambdas/shared/session.ts";
import { fileEvidence } from "../../../local/file-evidence.ts";
import { memoryPorts } from "../../support/ports.ts";

export const RUN = "one-login";

export interface Fencing {
  url: string;
  /** Of the evidence. */
  folder: string;
  application: string;
  action: "fence" | "leave";
}

/** Fences a database, or lifts the fence. */
export async function fencing(
  { url, folder, application, action }: Fencing,
  through: (session: Session) => Session = (session) => session,
): Promise<void> {
  const ports: Ports = {
    ...memoryPorts({
      databases: {
        single: false,
        withSession: (_endpoint, work) =>
          withPgSession({ connectionString: url }, (session) => work(through(session))),
      },
      plan: { applicationRoles: [application], runAs: application },
    }),
    evidence: fileEvidence(folder),
    clock: { now: () => new Date(), remaining: () => Number.POSITIVE_INFINITY },
  };
  const fields = { run: RUN, execution: `local:1:${RUN}`, planChecksum: "" as const, state: action };
  await fenceTask.run(
    action === "fence" ? { ...fields, action, again: false } : { ...fields, action },
    ports,
    evidenceOf(ports.evidence, RUN),
  );
}
