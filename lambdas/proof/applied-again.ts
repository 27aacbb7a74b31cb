import { Doc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { applicationRoles } from "../shared/places.ts";
import type { Migration } from "../shared/plan.ts";
import type { Ports } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { takeFingerprint } from "./catalog.ts";
import { describeDifference, differences } from "./difference.ts";
import { keepFingerprint, keptFingerprint } from "./stored-catalog.ts";

// An entry of `leaves` is a name without a definition. If something else has that name, for example a table with
// other columns, it would stay when the migration is applied on top of it, and staging would differ from what
// production becomes.

const nameOf = (version: string) => `applied-${version}`;

/** Keeps staging's fingerprint after the first apply, if the migration's rollback may leave something. */
export async function noteApplied(
  session: Session,
  ports: Ports,
  evidence: RunEvidence,
  { version, leaves = [] }: Migration,
): Promise<void> {
  const name = nameOf(version);
  if (leaves.length === 0 || (await evidence.read(Doc.fingerprint(name)))) return;
  await keepFingerprint(evidence, name, await takeFingerprint(session, applicationRoles(ports)));
}

/**
 * Checks that the migration, applied on top of what its rollback left, gives the same result as the first time.
 * @throws SluiceError NotBack if it does not
 */
export async function refuseOtherwiseApplied(
  evidence: RunEvidence,
  { version, folder, leaves = [] }: Migration,
): Promise<void> {
  const name = nameOf(version);
  // A run that an older version of Sluice started has no such fingerprint.
  if (leaves.length === 0 || !(await evidence.read(Doc.fingerprint(name)))) return;
  const found = differences(
    await keptFingerprint(evidence, name),
    await keptFingerprint(evidence, `changed-${version}`),
  ).map(describeDifference);
  if (found.length === 0) return;
  const more = found.length > 5 ? `; and ${found.length - 5} more` : "";
  throw new SluiceError(
    ErrorName.NotBack,
    `Applied again after its rollback, ${folder} gives another result than the first time: ${found.slice(0, 5).join("; ")}${more}. ` +
      "Everything that its rollback leaves under `leaves` must be as the migration made it, or the migration must make it so again.",
  );
}
