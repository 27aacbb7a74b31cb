import { NAME_PREFIX } from "../../lambdas/shared/names.ts";
import type { RehearseOptions } from "../events.ts";
import type { Left } from "./present.ts";

/** What remains, and where, after a run was left at once. */
export function leftText(
  { run, evidence, phase, state }: Left,
  { databaseUrl, apply }: Pick<RehearseOptions, "databaseUrl" | "apply">,
): string[] {
  return [
    "",
    `Left run ${run} at once${state === undefined ? "" : `, in "${state}" (${phase})`}. What it had not cleaned up stays.`,
    ...(databaseUrl === undefined
      ? ["  The embedded databases ended with this process."]
      : [
          `  On the server: databases named ${NAME_PREFIX}-... are this run's copies and snapshots. Drop those that no other run uses.`,
        ]),
    ...(apply
      ? [
          '  The database itself may be fenced or half migrated. Before anything uses it, follow docs/operator-runbook.md under "A local run was left at once".',
        ]
      : []),
    ...(evidence === undefined
      ? []
      : [`  Evidence so far: ${evidence}`, `  Its report: sluice report ${evidence}`]),
  ];
}
