import * as z from "zod";
import { type BenchmarkResult, Doc, docName, type TimeDoc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { withTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import { type Session, withTransaction } from "../shared/session.ts";
import { describeStatementError } from "../shared/statement-error.ts";
import { DONE, mustLeave, RUNNING, runFields, type Task } from "../shared/task.ts";
import { confirmMiss, hasData, measure } from "./measure.ts";

const event = z.strictObject({ ...runFields, target: z.enum(["production", "staging"]) });

/**
 * Measures the plan's benchmarks. On staging the gate shows a miss, because a freshly restored volume is slow; on
 * production a miss is a failure.
 */
export const benchmarkTask: Task<z.infer<typeof event>> = {
  name: "benchmark",
  event,
  async run({ target }, ports, evidence) {
    const results = await withTarget(ports, evidence, target, async (session) => {
      const without = target === "staging" ? await fillStaging(session, ports, evidence) : [];
      const measured: BenchmarkResult[] = [];
      for (const [index, benchmark] of ports.plan.benchmarks.entries()) {
        if (mustLeave(ports)) return undefined;
        ports.progress(benchmark.title);
        measured.push(
          await evidence.getOrCreate(
            docName<BenchmarkResult>(`${Doc.benchmarks(target)}/${index}`),
            async () => ({
              ...(await confirmMiss(() => measure(session, benchmark))),
              ...(without.includes(benchmark.name) ? { generated: true } : {}),
            }),
          ),
        );
      }
      return measured;
    });
    if (!results) return RUNNING;
    await evidence.createOnce(Doc.benchmarks(target), {
      at: ports.clock.now().toISOString(),
      target,
      results,
    });
    const missed = results.filter((result) => result.passed === false);
    if (target === "production" && missed.length > 0)
      throw new SluiceError(
        ErrorName.BenchmarkFailed,
        missed
          .map(
            (m) =>
              `${m.title}: p95 ${m.p95Ms?.toFixed(1)} ms, allowed ${m.sloMs} ms${m.note ? ` (${m.note})` : ""}`,
          )
          .join("; "),
      );
    return DONE;
  },
};

/**
 * If production lacks data that benchmarks need, generates it on staging, in one transaction for each step.
 * @returns names of the benchmarks that had no data before
 */
async function fillStaging(session: Session, ports: Ports, evidence: RunEvidence): Promise<string[]> {
  const filled = docName<{ without: string[] }>(`${Doc.benchmarks("staging")}/data/without`);
  const { without } = await evidence.getOrCreate(filled, async () => {
    const without: string[] = [];
    for (const benchmark of ports.plan.benchmarks)
      if (!(await hasData(session, benchmark))) without.push(benchmark.name);
    return { without };
  });
  // If production has data for all of them, staging has it too.
  if (without.length === 0 && ports.plan.benchmarks.every(({ needs }) => needs !== undefined)) return without;
  for (const file of ports.plan.stagingData)
    for (const [index, step] of file.steps.entries())
      await evidence.getOrCreate(
        docName<TimeDoc>(`${Doc.benchmarks("staging")}/data/${file.path}-${index}`),
        async () => {
          ports.progress(`${file.path}: ${step.name}`);
          await withTransaction(session, async () => {
            for (const statement of step.statements)
              await session.query(statement.sql).catch((error: unknown) => {
                throw new SluiceError(
                  ErrorName.StepFailed,
                  describeStatementError(file.path, `step "${step.name}"`, statement, error),
                  { cause: error },
                );
              });
          });
          return { at: ports.clock.now().toISOString() };
        },
      );
  return without;
}
