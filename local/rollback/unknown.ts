import type { Migration } from "../../lambdas/shared/plan.ts";
import type { Catalog, Described } from "./catalog.ts";
import { differs } from "./undo.ts";

// What a difference between catalogs does not show: the contents of rows.

const TABLES = ["table", "partitioned table"];

/**
 * What the written rollback cannot bring back, in sentences.
 * @param after the state after the whole migration, under former names
 */
export function unknownTo(before: Catalog, after: Catalog, { migrate }: Migration): string[] {
  const found: string[] = [];
  const goneTables = new Set<string>();
  for (const [key, was] of before.objects) {
    const is = after.objects.get(key);
    if (TABLES.includes(was.kind)) {
      if (!is) {
        goneTables.add(key);
        found.push(`The migration drops table ${was.name}: its rows do not come back.`);
      } else if (is.address !== was.address)
        found.push(
          `The migration drops table ${was.name} and makes another one with that name: rows that only the former one had do not come back.`,
        );
    }
  }
  for (const [key, was] of before.objects) {
    const is = after.objects.get(key);
    if (was.kind === "column" && was.rebuild === "holds values" && isOfTable(before, was)) {
      const table = after.objects.get(was.parent ?? "");
      const former = before.objects.get(was.parent ?? "");
      if (goneTables.has(was.parent ?? "") || table?.address !== former?.address) continue;
      if (!is) found.push(`The migration drops column ${was.name}: its values do not come back.`);
      else if (is.address !== was.address)
        found.push(
          `The migration drops column ${was.name} and makes another one with that name: its former values do not come back.`,
        );
      else if (
        is.parts["01 type"] &&
        was.parts["01 type"] &&
        differs(is.parts["01 type"], was.parts["01 type"])
      )
        found.push(
          `The migration gives column ${was.name} another type: values come back by a cast, and details that the new type could not hold are lost. A value that the former type cannot hold makes the rollback fail.`,
        );
    }
    if (was.kind === "enum" && is !== undefined && is.rebuild !== was.rebuild)
      found.push(
        `The migration changes the labels of ${was.name}: a row with a new label makes the rollback fail. Change these rows before the type is made again; or keep the label, and name it under \`leaves\`.`,
      );
    if (was.kind === "sequence" && is?.address !== was.address)
      found.push(
        `The migration drops sequence ${was.name}, and its last value is not known. It continues after the greatest value in its column, if it has one.`,
      );
  }
  const opaque: string[] = [];
  for (const step of migrate.steps) {
    const verbs = step.kind === "batches" ? ["UPDATE"] : step.statements.flatMap(({ sql }) => verbOf(sql));
    const named = (step.relationsBefore ?? []).map(({ schema, name }) =>
      schema === undefined ? name : `${schema}.${name}`,
    );
    const there = named.filter((table) =>
      [...before.objects.values()].some(
        ({ kind, own, name }) => TABLES.includes(kind) && (own === table || name === table),
      ),
    );
    if (verbs.length > 0 && there.length > 0)
      found.push(
        `${migrate.path}, step "${step.name}", changes existing rows (${verbs.join(", ")}; it names ${there.join(", ")}): their former contents do not come back.`,
      );
    else if (step.relations === undefined) opaque.push(step.name);
  }
  const [first, second, ...more] = opaque.map((name) => `"${name}"`);
  if (first !== undefined)
    found.push(
      `${migrate.path} runs code (DO, CALL, or a query that calls a function) in ${
        opaque.length === 1 ? "step" : "steps"
      } ${[first, ...(second === undefined ? [] : [second])].join(", ")}${
        more.length > 0 ? ` and ${more.length} more` : ""
      }: rows of existing tables that it changes do not come back.`,
    );
  return found;
}

const isOfTable = (catalog: Catalog, { parent }: Described) =>
  TABLES.includes(catalog.objects.get(parent ?? "")?.kind ?? "");

function verbOf(sql: string): string[] {
  const verb = /^(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY)\b/i.exec(sql)?.[1];
  return verb === undefined ? [] : [verb.toUpperCase()];
}
