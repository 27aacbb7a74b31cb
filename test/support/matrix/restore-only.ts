import { type CompiledPlan, type Migration, RESTORE } from "../../../lambdas/shared/plan.ts";
import { parseCheckFile, parseSqlFile } from "../../../lib/plan/sql-file.ts";

/** The migration, of three, whose way back is the restore. */
export const PLACES = ["first", "middle", "last"] as const;

export type Place = (typeof PLACES)[number];

/** Returns a suffix for a walk's name; empty where each migration has a rollback. */
export function placeText(place: Place | undefined): string {
  return place === undefined ? "" : `, the ${place} migration restore-only`;
}

/** Returns the tiny plan with a third migration; one of the three has no rollback. */
export function withRestoreOnly(plan: CompiledPlan, place: Place): CompiledPlan {
  const [first, second] = plan.migrations as [Migration, Migration];
  return restoreOnlyAt({ ...plan, migrations: [first, second, third(second)] }, place);
}

export function restoreOnlyAt(plan: CompiledPlan, place: Place): CompiledPlan {
  const at = PLACES.indexOf(place);
  return {
    ...plan,
    migrations: plan.migrations.map((migration, index) =>
      index === at ? { ...migration, rollback: RESTORE } : migration,
    ),
  };
}

function third(like: Migration): Migration {
  const file = (name: string, sql: string) => parseSqlFile(`004_pages/${name}.sql`, sql);
  return {
    ...like,
    version: "004",
    folder: "004_pages",
    migrate: file("migrate", "ALTER TABLE note ADD COLUMN page int;"),
    validate: parseCheckFile(
      "004_pages/validate.sql",
      `-- sluice: check "pages"\nSELECT count(*) = 1000 AS passed, '1000' AS expected, count(*)::text AS seen FROM note WHERE page IS NULL;`,
    ),
    rollback: file("rollback", "ALTER TABLE note DROP COLUMN IF EXISTS page;"),
  };
}
