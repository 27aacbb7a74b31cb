import { identifier, literal } from "../../lambdas/shared/sql-text.ts";
import type { Described } from "./catalog.ts";

/**
 * One statement that makes types again under columns with values of them: the former types move aside, the values are
 * cast through text, and the former types are dropped. Enums that have all their labels are kept.
 * @param columns the statements that give columns their types
 */
export function rebuildTypes(types: readonly Described[], columns: readonly string[]): string {
  const aside = (index: number) => identifier(`sluice_former_${index + 1}`);
  const lines = [
    ...types.flatMap(({ renames }, index) => (renames === null ? [] : [`${renames}${aside(index)}`])),
    ...types.flatMap(({ create }) => (create === null ? [] : [unguarded(create)])),
    ...columns,
    ...types
      .map(
        ({ space, kind }, index) =>
          `DROP ${kind === "domain" ? "DOMAIN" : "TYPE"} ${identifier(space ?? "public")}.${aside(index)}`,
      )
      .reverse(),
  ];
  const enums = types.filter(({ kind }) => kind === "enum");
  const condition =
    enums.length === types.length
      ? enums
          .map(
            ({ name, rebuild }) =>
              `(SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = to_regtype(${literal(name)})) IS DISTINCT FROM ${rebuild === null ? "NULL" : literal(rebuild)}`,
          )
          .join("\n    OR ")
      : "true";
  return `DO $types$
BEGIN
  IF ${condition} THEN
${lines.map((line) => `    ${line};`).join("\n")}
  END IF;
END;
$types$`;
}

/** The statement inside a DO that runs it only if the object is missing. */
const unguarded = (create: string) => /THEN\n {4}([\s\S]*);\n {2}END IF;/.exec(create)?.[1] ?? create;
