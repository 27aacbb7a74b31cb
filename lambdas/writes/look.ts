import { passMoment } from "../moments/note.ts";
import { Doc } from "../shared/documents.ts";
import { ErrorName, SluiceError } from "../shared/errors.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import { withTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import { type MarkDoc, takeMark, type Written, writtenBetween } from "./mark.ts";
import { writtenInWords } from "./words.ts";

export interface WrittenDoc {
  at: string;
  /** Null: the server's counters are off, or were set back in between, and tell nothing. */
  tables: Written[] | null;
}

/** What was written to production since the record, by the server's counters; looked at once. */
export async function look(
  until: "migration" | "restore",
  ports: Ports,
  evidence: RunEvidence,
): Promise<WrittenDoc> {
  const mark = await evidence.need<MarkDoc>(Doc.mark);
  return await evidence.once<WrittenDoc>(Doc.written(until), () =>
    withTarget(ports, evidence, "production", async (session) => {
      const now = await takeMark(session, ports.clock.now());
      return { at: now.at, tables: writtenBetween(mark, now) };
    }),
  );
}

/**
 * Before anything is migrated: behind the fence nothing may have been written since the record, or the snapshot is of
 * something else than the record, and a restore would lose what came after it.
 * @throws SluiceError BackupMismatch naming the tables
 */
export async function refuseWrites(ports: Ports, evidence: RunEvidence): Promise<void> {
  // What is written from here on must not be in what a restore goes back to. Looked at afterwards: what somebody wrote
  // while this waited is in a restore, and not in the record.
  if (await evidence.read(Doc.moment("final")))
    await withTarget(ports, evidence, "production", (session) =>
      passMoment(session, "final", ports, evidence),
    );
  const { tables } = await look("migration", ports, evidence);
  if (!tables)
    return ports.progress("the server's counters are off or were set back: only checksums will tell");
  if (tables.length === 0) return ports.progress("nothing was written since the record");
  const lines = tables.slice(0, 10).map(writtenInWords);
  if (ports.settings.fence === "none") return ports.progress(lines.join("; "));
  const more = tables.length > 10 ? `; and ${tables.length - 10} more tables` : "";
  throw new SluiceError(
    ErrorName.BackupMismatch,
    `Production was written to behind the fence, after it was recorded: ${lines.join("; ")}${more}. ` +
      "Find out who it is (pg_stat_activity), stop it or name its role in `application.roles`, then start a new run.",
  );
}
