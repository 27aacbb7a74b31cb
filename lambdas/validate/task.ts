import * as z from "zod";
import { type CheckResult, Doc, EVERYTHING } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import { migrationAfter } from "../shared/next-migration.ts";
import { applicationRoles, withTarget } from "../shared/places.ts";
import { migrationOf } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { DONE, runFields, type Task } from "../shared/task.ts";
import { asRehearsed, lookForLeft, nothingLeft } from "./as-rehearsed.ts";
import { refuseMistakes } from "./mistakes.ts";
import { runChecks } from "./run-checks.ts";

const event = z.strictObject({
  ...runFields,
  target: z.enum(["production", "staging"]),
  /** EVERYTHING: the checks of all migrations; otherwise those of the state's migration. */
  round: z.enum(["1", "2", "3", EVERYTHING]),
});

/**
 * Runs the checks of one migration or of all, and reports every failure. On staging failures end the rehearsal once
 * everything was tried. Once all migrations stand, nothing may be left half made.
 */
export const validateTask: Task<z.infer<typeof event>> = {
  name: "validate",
  event,
  async run({ target, version: one, round }, ports, evidence) {
    if ((one === undefined) !== (round === EVERYTHING))
      throw new SluiceError(
        ErrorName.RequestInvalid,
        `Round ${round} of the checks, of ${one ?? "no migration"}`,
      );
    const versions = one === undefined ? ports.plan.migrations.map(({ version }) => version) : [one];
    const done = one === undefined ? DONE : { ...DONE, ...migrationAfter(ports.plan, one) };
    const failed: CheckResult[] = [];
    const left = round === EVERYTHING ? await lookForLeft(ports, evidence, target) : undefined;
    const roles = applicationRoles(ports);
    const runs = async (session: Session, version: string): Promise<CheckResult[]> => {
      const { validate, migrate } = migrationOf(ports.plan, version);
      const { checks, path } = validate;
      ports.progress(
        checks.length > 0 ? `${path}: ${checks.length} checks` : `${version}: comparing with the rehearsal`,
      );
      if (checks.length > 0) return await runChecks(session, validate, roles);
      return left
        ? [nothingLeft(left, migrate.path)]
        : await asRehearsed(session, evidence, { target, version, path: migrate.path, roles });
    };
    // Checks write nothing: a worker that replaces a dead one runs them again.
    await withTarget(ports, evidence, target, async (session) => {
      for (const version of versions) {
        const began = ports.clock.now();
        const results = await runs(session, version);
        const seconds = (ports.clock.now().getTime() - began.getTime()) / 1000;
        await evidence.createOnce(Doc.checks(target, version, round), {
          at: began.toISOString(),
          target,
          version,
          seconds,
          results,
        });
        failed.push(...results.filter((result) => !result.passed));
      }
    });
    if (target === "staging") {
      if (round === EVERYTHING) await refuseMistakes(evidence);
      else if (failed.length > 0)
        ports.progress(`${failed.length} failed. The rehearsal continues, and the run will be refused`);
      return done;
    }
    if (left && left.invalidIndexes.length > 0)
      throw new SluiceError(
        ErrorName.CheckFailed,
        `Left invalid on ${target}, so that no query uses them: ${left.invalidIndexes.join(", ")}`,
      );
    if (failed.length === 0) return done;
    const lines = failed
      .slice(0, 10)
      .map(
        (f) => `- ${f.at}: ${f.name}${f.as ? ` (as ${f.as})` : ""}: expected ${f.expected}, saw ${f.seen}`,
      );
    const more = failed.length > 10 ? [`- and ${failed.length - 10} more`] : [];
    throw new SluiceError(
      ErrorName.CheckFailed,
      [`${failed.length} check${failed.length > 1 ? "s" : ""} failed on ${target}:`, ...lines, ...more].join(
        "\n",
      ),
    );
  },
};
