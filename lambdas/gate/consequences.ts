import { backedUpBy, momentLine } from "../moments/look.ts";
import { Doc, type WayBackDoc } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { GateKind } from "../shared/gates.ts";
import { type CompiledPlan, isRestoreOnly, type Migration, restoreOnlyFrom } from "../shared/plan.ts";
import type { BackupKind, RunSettings } from "../shared/settings.ts";
import { duration, list } from "../shared/text.ts";

/** What a Go and a No-Go lead to, said so that a person can weigh them. */
export function consequences(
  kind: GateKind,
  version: string | null,
  plan: CompiledPlan,
  settings: RunSettings,
  by: BackupKind = "snapshot",
): { go: string; noGo: string } {
  const first = ahead(plan, null);
  const rehearsal =
    "a snapshot of production is restored as a staging copy, where every migration and its way back is rehearsed. Production's schema and data are not changed.";
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
            : "Data integrity, benchmarks and isolation are proven on production; then you are asked whether to open it.",
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
        go: "The new schema stays and the application stays open; the failed smoke test stands in the report.",
        noGo: `${capital(closing(plan, settings))}. ${rolledBack(plan.migrations, plan, settings, by)} ${lostSinceOpening(plan, settings)}`,
      };
    case "restore":
      return {
        go:
          by === "snapshot"
            ? `${settings.instance} is renamed and kept, the final snapshot is restored under its name, and it is proven to be what it was. Everything written since that snapshot stays behind in the renamed instance.`
            : `${settings.instance} is renamed and kept, once its backups reach the moment that was noted behind the fence; it is restored under its name as it was at that moment, and proven to be what it was. Everything written since that moment stays behind in the renamed instance.`,
        noGo: 'The run ends as NeedsOperator: production stays as it is now, and a person has to bring it back by hand (docs/operator-runbook.md, "NeedsOperator").',
      };
  }
}

function applied(migrations: readonly Migration[]): string {
  const [first, last] = [migrations[0], migrations.at(-1)];
  if (!first || !last) return "production is validated.";
  if (first === last)
    return `migration ${first.version} (${first.title}) is applied to production and validated.`;
  return `${migrations.length} migrations, ${first.version} (${first.title}) to ${last.version} (${last.title}), are applied to production and validated one after the other. Nobody is asked in between.`;
}

/** @param by absent: nothing is backed up then */
function closing(plan: CompiledPlan, settings: RunSettings, by?: BackupKind): string {
  return joined([
    plan.application.stop && "the application is stopped",
    settings.fence === "connect" && "the application's roles are kept out of the database",
    by === "snapshot" && "a final snapshot is taken",
    by === "point-in-time" && "the moment is noted that a restore would go back to",
  ]);
}

function reopening(plan: CompiledPlan, settings: RunSettings): string {
  return joined([
    settings.fence === "connect" && "the application's roles are let into the database again",
    plan.application.start && "the application is started",
    settings.alarms.length > 0 && "its alarms are switched on",
  ]);
}

/** What going back costs from the opening on. */
function afterOpening(plan: CompiledPlan, settings: RunSettings): string {
  const from = restoreOnlyFrom(plan)?.version;
  if (from === undefined)
    return "From then on a rollback would lose what the application writes to the new schema.";
  return settings.restore === false
    ? `From then on nothing leads back: ${from} has no rollback, and nothing may be restored.`
    : "From then on the restore, which is the way back, would lose everything that is written.";
}

function lostSinceOpening(plan: CompiledPlan, settings: RunSettings): string {
  if (restoreOnlyFrom(plan) === undefined)
    return "What the application wrote to the new schema since the opening is lost.";
  return settings.restore === false
    ? "What the application wrote stays."
    : "A restore loses everything that was written since the opening.";
}

/** How production is brought back from where these stand. */
function rolledBack(
  done: readonly Migration[],
  plan: CompiledPlan,
  settings: RunSettings,
  by: BackupKind,
): string {
  const from = done.find(isRestoreOnly)?.version;
  if (from !== undefined)
    return settings.restore === false
      ? `${from} has no rollback, and nothing may be restored: production stays as it is, the run ends as NeedsOperator, and a person has to see to it (docs/operator-runbook.md, "NeedsOperator").`
      : `${from} has no rollback: what a restore would lose is counted, and you are asked whether ${by === "snapshot" ? "the final snapshot takes production's place" : "production is restored to the moment that was noted behind the fence"}. Then the run ends as Restored.`;
  const left = done.flatMap(({ leaves = [] }) => leaves);
  const butFor = left.length === 0 ? "" : `, but for ${list(left)}`;
  const versions = done.map((migration) => migration.version).reverse();
  return `${joined(versions)} ${versions.length === 1 ? "is" : "are"} rolled back${versions.length === 1 ? "" : ", newest first"}, production is proven to be what it was${butFor}, ${reopening(plan, settings)}, and the run ends as RolledBack.`;
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

/** Where going back is not all by rollbacks that leave nothing: what a person must know before any other thing. A line each. */
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
    leaves ? [`Rolled back, ${version} leaves ${list(leaves)}.`] : [],
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
      `From ${from} on there is no way back: nothing may be restored here (setting restore: false), and the plan accepts that (acceptNoWayBack: true).`,
    ];
  const takes = measured ? `about ${duration(measured.restore.seconds)}` : "and the rehearsal will time it";
  const taken = by === "snapshot" ? "the final snapshot" : "the moment that it goes back to";
  const since = fence === "connect" ? "the opening" : taken;
  return [
    `From ${from} on the way back is the restore, ${takes}; what is written after ${since} would be lost.`,
  ];
}

type Migrations = readonly Pick<Migration, "version" | "unasked">[];

/**
 * The migrations that are applied from one question to the next: those since the gate before this one.
 * @param version the migration that the gate comes after; null: the gate that all of them come before
 */
export function since<M extends Migrations[number]>(migrations: readonly M[], version: string | null): M[] {
  const end = version === null ? migrations.length : placeOf(migrations, version) + 1;
  const former = migrations
    .slice(0, version === null ? end : end - 1)
    .findLastIndex(({ unasked }) => !unasked);
  return migrations.slice(former + 1, end);
}

/**
 * Those that a Go leads to, up to the next gate.
 * @param version the migration that the gate comes after; null: none is applied yet
 */
function ahead({ migrations }: CompiledPlan, version: string | null): Migration[] {
  const begin = version === null ? 0 : placeOf(migrations, version) + 1;
  const next = migrations.slice(begin).findIndex(({ unasked }) => !unasked);
  return migrations.slice(begin, next === -1 ? undefined : begin + next + 1);
}

function placeOf(migrations: Migrations, version: string): number {
  return migrations.findIndex((migration) => migration.version === version);
}
