import { fenceTask } from "../../../lambdas/fence/task.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import { withPgSession } from "../../../lambdas/shared/pg-session.ts";
import type { Ports } from "../../../lambdas/shared/ports.ts";
import type { Session } from "../../../lambdas/shared/session.ts";
import { fileEvidence } from "../../../local/file-evidence.ts";
import { memoryPorts } from "../../support/ports.ts";

// Fences a database, in a process of its own, and ends itself with SIGKILL at its n-th call of the database: just before
// the call is sent, or while the server is at work on it. Prints the number of its calls when it comes to its end.

export interface Order {
  url: string;
  /** Of the evidence. */
  folder: string;
  application: string;
  action: "fence" | "leave";
  kill: { call: number; when: "before" | "during" } | undefined;
}

export const RUN = "one-login";

const { url, folder, application, action, kill } = JSON.parse(process.env.ORDER ?? "") as Order;
let calls = 0;

function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("unreachable");
}

function call<T>(send: () => Promise<T>): Promise<T> {
  calls++;
  if (calls !== kill?.call) return send();
  if (kill.when === "before") die();
  setTimeout(die, 2);
  // Whatever comes back, nobody acts on it any more.
  return send().then(
    () => new Promise<T>(() => undefined),
    () => new Promise<T>(() => undefined),
  );
}

const deadly = (session: Session): Session => ({
  query: (text, params) => call(() => session.query(text, params)) as never,
  exec: (text) => call(() => session.exec(text)),
  together: (statements) => call(() => session.together(statements)),
});

const ports: Ports = {
  ...memoryPorts({
    databases: {
      single: false,
      withSession: (_endpoint, work) =>
        withPgSession({ connectionString: url }, (session) => work(deadly(session))),
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
process.stdout.write(String(calls));
