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

// `leaves` gives a name and no definition. Something else of that name, such as a table with other columns, would stay
// when the migration is applied on top of it: staging would be another database than production becomes.

const nameOf = (version: string) => `applied-${version}`;

/** Notes what staging is once the migration is applied for the first time, where its rollback may leave something. */
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
 * Applied on top of what its rollback left, the migration must come to what it came to at first.
 * @throws SluiceError NotBack where it does not
 */
export async function refuseOtherwiseApplied(
  evidence: RunEvidence,
  { version, folder, leaves = [] }: Migration,
): Promise<void> {
  const name = nameOf(version);
  // A run that an older version of Sluice began has not noted it.
  if (leaves.length === 0 || !(await evidence.read(Doc.fingerprint(name)))) return;
  const found = differences(
    await keptFingerprint(evidence, name),
    await keptFingerprint(evidence, `changed-${version}`),
  ).map(describeDifference);
  if (found.length === 0) return;
  const more = found.length > 5 ? `; and ${found.length - 5} more` : "";
  throw new SluiceError(
    ErrorName.NotBack,
    `Applied again after its rollback, ${folder} does not come to what it came to at first: ${found.slice(0, 5).join("; ")}${more}. ` +
      "What its rollback leaves under `leaves` must be what the migration made, or what the migration makes of it again.",
  );
}
