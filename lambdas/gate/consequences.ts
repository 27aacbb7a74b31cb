import { backedUpBy, momentLine } from "../moments/look.ts";
import { Doc, type WayBackDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { GateKind } from "../shared/gates.ts";
import { type CompiledPlan, isRestoreOnly, type Migration, restoreOnlyFrom } from "../shared/plan.ts";
import type { BackupKind, RunSettings } from "../shared/settings.ts";
import { duration, list } from "../shared/text.ts";

/** Returns what a Go and a No-Go lead to, in sentences for the approver. */
export function consequences(
  kind: GateKind,
  version: string | null,
  plan: CompiledPlan,
  settings: RunSettings,
  by: BackupKind = "snapshot",
): { go: string; noGo: string } {
  const first = ahead(plan, null);
  const rehearsal =
    "a snapshot of production is restored as a staging copy, and every migration and its way back is rehearsed there. Production's schema and data stay unchanged.";
  switch (kind) {
    case "readiness":
      return settings.rehearse === "before"
        ? {
            go: `The rehearsal begins while the application runs: ${rehearsal}`,
            noGo: "The run ends as Refused. Nothing was touched.",
          }
        : {
            go: `The downtime begins: ${closing(plan, settings, by)}; then ${rehearsal}`,
            noGo: "The run ends as Refused. Nothing was touched.",
          };
    case "rehearsal":
      return settings.rehearse === "before"
        ? {
            go: `The downtime begins: ${closing(plan, settings, by)}, and ${applied(first)}`,
            noGo: "The staging copy is deleted and the run ends as Refused. Production stays as it is.",
          }
        : {
            go: `The staging copy is deleted, and ${applied(first)}`,
            noGo: `The staging copy is deleted, ${reopening(plan, settings)}, and the run ends as Refused. Production's schema and data stay as they are.`,
          };
    case "after": {
      const at = plan.migrations.findIndex((migration) => migration.version === version);
      const next = ahead(plan, version);
      const done = plan.migrations.slice(0, at + 1);
      return {
        go:
          next.length > 0
            ? capital(applied(next))
            : "Data integrity, benchmarks and isolation are proven on production. Then the gate for the opening opens.",
        noGo: rolledBack(done, plan, settings, by),
      };
    }
    case "open":
      return {
        go: `${capital(reopening(plan, settings))}, and the smoke tests run. ${afterOpening(plan, settings)}`,
        noGo: rolledBack(plan.migrations, plan, settings, by),
      };
    case "keep":
      return {
        go: "The new schema stays and the application stays open. The report shows the failed smoke test.",
        noGo: `${capital(closing(plan, settings))}. ${rolledBack(plan.migrations, plan, settings, by)} ${lostSinceOpening(plan, settings)}`,
      };
    case "restore":
      return {
        go:
          by === "snapshot"
            ? `${settings.instance} is renamed and kept. The final snapshot is restored under its name and proven equal to the record. Everything written since that snapshot stays behind in the renamed instance.`
            : `Once the backups of ${settings.instance} reach the moment noted behind the fence, the instance is renamed and kept. Production is restored under its name as it was at that moment and proven equal to the record. Everything written since that moment stays behind in the renamed instance.`,
        noGo: 'The run ends as NeedsOperator: production stays as it is now, and an operator must bring it back by hand (docs/operator-runbook.md, "NeedsOperator").',
      };
  }
}

function applied(migrations: readonly Migration[]): string {
  const [first, last] = [migrations[0], migrations.at(-1)];
  if (!first || !last) return "production is validated.";
  if (first === last)
    return `migration ${first.version} (${first.title}) is applied to production and validated.`;
  return `${migrations.length} migrations, ${first.version} (${first.title}) to ${last.version} (${last.title}), are applied to production and validated one after the other. No gate opens in between.`;
}

/** @param by absent: no backup is taken at this point */
function closing(plan: CompiledPlan, settings: RunSettings, by?: BackupKind): string {
  return joined([
    plan.application.stop && "the application is stopped",
    settings.fence === "connect" && "the application's roles are kept out of the database",
    by === "snapshot" && "a final snapshot is taken",
    by === "point-in-time" && "the moment that a restore goes back to is noted",
  ]);
}

function reopening(plan: CompiledPlan, settings: RunSettings): string {
  return joined([
    settings.fence === "connect" && "the application's roles are let into the database again",
    plan.application.start && "the application is started",
    settings.alarms.length > 0 && "its alarms are switched on",
  ]);
}

/** What going back costs after the opening. */
function afterOpening(plan: CompiledPlan, settings: RunSettings): string {
  const from = restoreOnlyFrom(plan)?.version;
  if (from === undefined)
    return "After that, a rollback loses what the application writes to the new schema.";
  return settings.restore === false
    ? `After that there is no way back: ${from} has no rollback, and the settings forbid a restore.`
    : "After that the way back is the restore, which loses everything written since.";
}

function lostSinceOpening(plan: CompiledPlan, settings: RunSettings): string {
  if (restoreOnlyFrom(plan) === undefined)
    return "What the application wrote to the new schema since the opening is lost.";
  return settings.restore === false
    ? "What the application wrote stays."
    : "A restore loses everything written since the opening.";
}

/** How production goes back once these migrations are applied. */
function rolledBack(
  done: readonly Migration[],
  plan: CompiledPlan,
  settings: RunSettings,
  by: BackupKind,
): string {
  const from = done.find(isRestoreOnly)?.version;
  if (from !== undefined)
    return settings.restore === false
      ? `${from} has no rollback, and the settings forbid a restore: production stays as it is, the run ends as NeedsOperator, and an operator must act (docs/operator-runbook.md, "NeedsOperator").`
      : `${from} has no rollback: what a restore would lose is counted, and a gate opens for ${by === "snapshot" ? "the restore of the final snapshot" : "the restore to the moment noted behind the fence"}. After that restore the run ends as Restored.`;
  const left = done.flatMap(({ leaves = [] }) => leaves);
  const butFor = left.length === 0 ? "" : `, except ${list(left)}`;
  const versions = done.map((migration) => migration.version).reverse();
  return `${joined(versions)} ${versions.length === 1 ? "is" : "are"} rolled back${versions.length === 1 ? "" : ", newest first"}, production is proven equal to the record${butFor}, ${reopening(plan, settings)}, and the run ends as RolledBack.`;
}

function joined(parts: readonly (string | false | undefined)[]): string {
  const said = parts.filter((part) => typeof part === "string");
  if (said.length === 0) return "the application's access stays as it is";
  return said.length === 1 ? `${said[0]}` : `${said.slice(0, -1).join(", ")} and ${said.at(-1)}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

type Settings = Pick<RunSettings, "restore" | "fence">;

/** Returns what limits the way back, a line each: a restore, no way back, or rollbacks that leave traces. */
export async function waysBackFor(
  kind: GateKind,
  plan: CompiledPlan,
  settings: Settings,
  evidence: RunEvidence,
): Promise<string[]> {
  const measured = await evidence.read(Doc.wayBack);
  const seen = settings.restore === false ? undefined : await momentLine(evidence);
  const restore = [
    ...restoreLine(plan, settings, measured, await backedUpBy(evidence)),
    ...(seen === undefined ? [] : [seen]),
  ];
  if (kind === "restore") return restore;
  const left = plan.migrations.flatMap(({ version, leaves }) =>
    leaves ? [`The rollback of ${version} leaves ${list(leaves)}.`] : [],
  );
  return [...restore, ...left];
}

function restoreLine(
  plan: CompiledPlan,
  { restore, fence }: Settings,
  measured: WayBackDoc | undefined,
  by: BackupKind,
): string[] {
  const from = restoreOnlyFrom(plan)?.version;
  if (from === undefined) return [];
  if (restore === false)
    return [
      `From ${from} on there is no way back: the setting restore: false forbids a restore, and the plan accepts that (acceptNoWayBack: true).`,
    ];
  const takes = measured ? `about ${duration(measured.restore.seconds)}` : "and the rehearsal will time it";
  const taken = by === "snapshot" ? "the final snapshot" : "the moment that it goes back to";
  const since = fence === "connect" ? "the opening" : taken;
  return [`From ${from} on the way back is the restore, ${takes}. It loses what is written after ${since}.`];
}

type Migrations = readonly Pick<Migration, "version" | "unasked">[];

/**
 * Returns the migrations applied since the previous gate.
 * @param version the migration that the gate follows; null: the gate after all migrations
 */
export function since<M extends Migrations[number]>(migrations: readonly M[], version: string | null): M[] {
  const end = version === null ? migrations.length : placeOf(migrations, version) + 1;
  const former = migrations
    .slice(0, version === null ? end : end - 1)
    .findLastIndex(({ unasked }) => !unasked);
  return migrations.slice(former + 1, end);
}

/**
 * Returns the migrations that a Go applies, up to the next gate.
 * @param version the migration that the gate follows; null: none is applied yet
 */
function ahead({ migrations }: CompiledPlan, version: string | null): Migration[] {
  const begin = version === null ? 0 : placeOf(migrations, version) + 1;
  const next = migrations.slice(begin).findIndex(({ unasked }) => !unasked);
  return migrations.slice(begin, next === -1 ? undefined : begin + next + 1);
}

function placeOf(migrations: Migrations, version: string): number {
  return migrations.findIndex((migration) => migration.version === version);
}
