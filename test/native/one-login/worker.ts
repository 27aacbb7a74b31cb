import { fenceTask } from "../../../lambdas/fence/task.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import { withPgSession } from "../../../lambdas/shared/pg-session.ts";
import type { Ports } from "../../../lambdas/shared/ports.ts";
import { fileEvidence } from "../../../local/file-evidence.ts";
import { DeadlyCalls, type Kill } from "../../support/deadly-session.ts";
import { memoryPorts } from "../../support/ports.ts";

// Fences a database or lets it go, and may be killed. Prints the number of its calls of the database when it comes to
// its end.

export interface Order {
  url: string;
  /** Of the evidence. */
  folder: string;
  application: string;
  action: "fence" | "leave";
  kill: Kill | undefined;
}

export const RUN = "one-login";

const { url, folder, application, action, kill } = JSON.parse(process.env.ORDER ?? "") as Order;
const calls = new DeadlyCalls(kill, 2);

const ports: Ports = {
  ...memoryPorts({
    databases: {
      single: false,
      withSession: (_endpoint, work) =>
        withPgSession({ connectionString: url }, (session) => work(calls.of(session))),
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
process.stdout.write(String(calls.count));
