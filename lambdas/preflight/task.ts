import * as z from "zod";
import { Doc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import { withNeighbour, withTarget } from "../shared/places.ts";
import { DONE, runFields, type Task } from "../shared/task.ts";
import { BACKUP, chooseBackup, inspectBackup } from "./choose-backup.ts";
import { withFoundRoles } from "./find-roles.ts";
import { inspectDatabase } from "./inspect-database.ts";
import { inspectDeployment } from "./inspect-deployment.ts";
import { inspectLedger } from "./inspect-ledger.ts";
import { inspectOutside } from "./inspect-outside.ts";
import { inspectRights } from "./inspect-rights.ts";
import { inspectRoles } from "./inspect-roles.ts";
import { inspectJobs, inspectReplication } from "./inspect-sessions.ts";
import { inspected } from "./inspected.ts";

const event = z.strictObject(runFields);

export const preflightTask: Task<z.infer<typeof event>> = {
  name: "preflight",
  event,
  async run({ run, execution }, given, evidence) {
    const production = await evidence.require(Doc.production);
    const ports = await withFoundRoles(given, evidence);
    const doc = await evidence.getOrCreate(Doc.preflight, async () => ({
      at: ports.clock.now().toISOString(),
      checks: [
        ...(await inspectDeployment(ports, production)),
        ...(await withTarget(ports, evidence, "production", async (session) => [
          ...(await inspectDatabase(session, ports)),
          ...(await inspectBackup(session, ports.plan.contents)),
          ...(await inspectRoles(session, ports)),
          ...(await inspectRights(session, ports)),
          ...(await inspectLedger(session, ports.plan, { run, execution })),
          ...(await inspectReplication(session, ports)),
          ...(await inspectJobs(session, ports, (database, work) =>
            withNeighbour(ports, evidence, "production", database, work),
          )),
          ...(await inspectOutside(session, ports)),
          ...(await inspected(BACKUP, () => chooseBackup(session, ports, evidence, production))),
        ])),
      ],
    }));
    const problems = doc.checks.filter((check) => check.passed === false);
    if (problems.length > 0) {
      const lines = problems.map((p) => `- ${p.name}: expected ${p.expected}, found ${p.seen}. ${p.mend}`);
      throw new SluiceError(
        ErrorName.PreflightFailed,
        `Preflight found ${problems.length} problem${problems.length > 1 ? "s" : ""}; nothing was touched.\n${lines.join("\n")}`,
      );
    }
    return DONE;
  },
};
