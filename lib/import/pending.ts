import type { Finding, ImportedFolder, ImportedMigration } from "./imported.ts";
import { ImportError } from "./source.ts";

/** Which migrations are applied, from the person or the tool's table. */
export type Applied =
  /** All are pending. */
  | { kind: "none" }
  /** Those up to that version are applied, in the tool's order. */
  | { kind: "after"; version: string }
  /** Those in the tool's table are applied, by a migration's `standing` or version. */
  | { kind: "table"; isApplied: (migration: ImportedMigration) => boolean };

export interface Split {
  applied: readonly ImportedMigration[];
  pending: readonly ImportedMigration[];
  /** Pending migrations that the tool itself would not apply. */
  late: readonly Finding[];
}

/**
 * Leaves everything after that version for another plan.
 * @throws ImportError for a version that no migration has or several have, and if nothing pending is left
 */
export function splitUntil(folder: ImportedFolder, split: Split, until: string | undefined): Split {
  if (until === undefined) return split;
  const at = placeOf(folder.migrations, until, "--until");
  const pending = split.pending.filter((one) => folder.migrations.indexOf(one) <= at);
  if (pending.length === 0 && split.pending.length > 0)
    throw new ImportError(`--until ${until}: nothing up to that version is pending.`);
  return { ...split, pending };
}

/** @throws ImportError for a version that no migration has, or several have */
export function splitFolder({ migrations, late }: ImportedFolder, applied: Applied): Split {
  if (applied.kind === "none") return { applied: [], pending: onEmpty(migrations), late: [] };
  if (applied.kind === "after") {
    const at = placeOf(migrations, applied.version, "--after");
    return {
      applied: onEmpty(migrations.slice(0, at + 1)),
      pending: notBase(migrations.slice(at + 1)),
      late: [],
    };
  }
  const done = migrations.filter(applied.isApplied);
  const pending = (done.length === 0 ? onEmpty(migrations) : notBase(migrations)).filter(
    (one) => !applied.isApplied(one),
  );
  const newest = migrations.findLastIndex(applied.isApplied);
  const tooLate = pending.filter((one) => migrations.indexOf(one) < newest);
  return {
    applied: done,
    pending,
    late:
      late === undefined
        ? []
        : tooLate.map(({ files, version }) => ({
            file: files[0] ?? version,
            says: `is not applied, but the later ${migrations[newest]?.version} is: ${late}. Is it meant to run?`,
          })),
  };
}

/** A migration that replaces all before it does so only on an empty database. */
function onEmpty(migrations: readonly ImportedMigration[]): ImportedMigration[] {
  const base = migrations.findLastIndex(isBase);
  if (base < 0) return [...migrations];
  const same = migrations[base]?.standing;
  return [
    ...migrations.slice(base, base + 1),
    ...notBase(migrations.slice(base + 1)).filter(({ standing }) => standing !== same),
  ];
}

function notBase(migrations: readonly ImportedMigration[]): ImportedMigration[] {
  return migrations.filter((one) => !isBase(one));
}

function isBase({ base }: ImportedMigration): boolean {
  return base === true;
}

function placeOf(
  migrations: readonly ImportedMigration[],
  given: string,
  option: "--after" | "--until",
): number {
  const matches = (test: (one: ImportedMigration) => boolean) =>
    migrations.flatMap((one, index) => (test(one) ? [index] : []));
  const digits = /^0*(\d+)$/.exec(given)?.[1];
  const tries = [
    matches(({ version }) => version === given),
    matches(({ aliases }) => aliases.includes(given)),
    matches(({ version }) => digits !== undefined && /^0*(\d+)$/.exec(version)?.[1] === digits),
    matches(({ version }) => given.length >= 4 && version.startsWith(given)),
  ];
  const found = tries.find((places) => places.length > 0) ?? [];
  const [place, ...more] = found;
  const names = (places: readonly ImportedMigration[]) =>
    places.map(({ version, files }) => `${version} (${files[0]})`).join(", ");
  if (place === undefined)
    throw new ImportError(
      `${option} ${given}: no migration has that version. The last ones are ${names(migrations.slice(-5)) || "none"}.`,
    );
  if (more.length > 0)
    throw new ImportError(
      `${option} ${given}: ${found.length} migrations have that name: ${names(found.flatMap((one) => migrations[one] ?? []))}.`,
    );
  return place;
}
