import { isPostgresError } from "../../lambdas/shared/errors.ts";
import { type Session, withRolledBackTransaction } from "../../lambdas/shared/session.ts";
import { identifier, literal } from "../../lambdas/shared/sql-text.ts";
import { type Catalog, type Described, takeCatalog } from "./catalog.ts";

// A renamed object is the same object, with all its rows. So names are put back first, and other differences are found by
// the former names.

export interface Renamed {
  /** Statements that restore former names, in order. Each ignores what is not there. */
  statements: string[];
  /** The catalog after these statements. */
  catalog: Catalog;
}

/** Names nest at most this deep. */
const PASSES = 6;

/** Reads the catalog as if everything that existed before had its former name. */
export async function underFormerNames(session: Session, before: Catalog): Promise<Renamed> {
  const former = new Map([...before.objects.values()].map((object) => [object.address, object]));
  const statements: string[] = [];
  for (let pass = 0; ; pass++) {
    const catalog = await takeCatalog(session, statements);
    const more = pass < PASSES ? renamesBack(former, before, catalog) : [];
    if (more.length === 0) return { statements, catalog };
    // Two objects that have swapped names count as dropped and added.
    if (!(await canRun(session, [...statements, ...more]))) return { statements, catalog };
    statements.push(...more);
  }
}

async function canRun(session: Session, statements: readonly string[]): Promise<boolean> {
  try {
    await withRolledBackTransaction(session, async () => {
      for (const statement of statements) await session.exec(statement);
    });
    return true;
  } catch (error) {
    if (isPostgresError(error)) return false;
    throw error;
  }
}

function renamesBack(former: ReadonlyMap<string, Described>, before: Catalog, now: Catalog): string[] {
  const renamed = [...now.objects.values()].flatMap((is) => {
    const was = former.get(is.address);
    return was &&
      was.kind === is.kind &&
      is.renames !== null &&
      (was.own !== is.own || was.space !== is.space)
      ? [{ was, is }]
      : [];
  });
  const addresses = new Set(renamed.map(({ is }) => is.address));
  const schemas = schemasOf(now);
  return renamed.flatMap(({ was, is }) => {
    // The statement uses the names of the objects around it, so those come first.
    const around = [now.objects.get(is.parent ?? ""), schemas.get(is.space ?? "")];
    if (around.some((one) => one !== undefined && addresses.has(one.address))) return [];
    if (comesWithParent(is)) return [];
    if (was.space !== null && was.space !== is.space && is.moves !== null) {
      const gone = schemas.has(was.space) ? undefined : schemasOf(before).get(was.space);
      // Its schema gets its former name later.
      if (gone && addresses.has(gone.address)) return [];
      return [gone?.create ?? [], whereThere(`${is.moves}${identifier(was.space)}`)].flat();
    }
    if (was.own === is.own) return [];
    const name = is.kind === "enum label" ? literal(was.own ?? "") : identifier(was.own ?? "");
    return [...aside(former, now, was, is), whereThere(`${is.renames}${name}`)];
  });
}

/** By their names as in `own` and `space`, without quotes. */
function schemasOf({ objects }: Catalog): Map<string | null, Described> {
  const schemas = [...objects.values()].filter(({ kind }) => kind === "schema");
  return new Map(schemas.map((schema) => [schema.own, schema]));
}

/** Columns of views and children, and indexes of constraints, are renamed with their parents. */
const comesWithParent = ({ kind, drop, parent }: Described) =>
  (kind === "column" && drop === null) || (kind === "index" && parent?.startsWith("constraint ") === true);

const RELATIONS = [
  "table",
  "partitioned table",
  "view",
  "materialized view",
  "foreign table",
  "sequence",
  "index",
];

/** Renames an object that the migration put under a former name; it is dropped later. */
function aside(
  former: ReadonlyMap<string, Described>,
  now: Catalog,
  was: Described,
  is: Described,
): string[] {
  if (was.kind === "column") return asideColumn(former, now, was, is);
  if (!RELATIONS.includes(was.kind)) return [];
  const other = [...now.objects.values()].find(
    ({ kind, own, space, address }) =>
      RELATIONS.includes(kind) &&
      own === was.own &&
      (space ?? is.space) === is.space &&
      address !== is.address &&
      !former.has(address),
  );
  if (other?.renames == null) return [];
  return [
    `DO $undo$
BEGIN
  IF to_regclass(${literal(is.name)}) IS NOT NULL AND to_regclass(${literal(other.name)}) IS NOT NULL THEN
    ${other.renames}${identifier(`${(other.own ?? "").slice(0, 50)}__aside`)};
  END IF;
END;
$undo$`,
  ];
}

function asideColumn(
  former: ReadonlyMap<string, Described>,
  now: Catalog,
  was: Described,
  is: Described,
): string[] {
  const other = [...now.objects.values()].find(
    ({ kind, own, parent, address }) =>
      kind === "column" && own === was.own && parent === is.parent && !former.has(address),
  );
  const table = now.objects.get(is.parent ?? "")?.name;
  if (other?.renames == null || table === undefined) return [];
  const column = (name: string | null) =>
    `EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(${literal(table)}) AND attname = ${literal(name ?? "")})`;
  return [
    `DO $undo$
BEGIN
  IF ${column(is.own)} AND ${column(other.own)} THEN
    ${other.renames}${identifier(`${(other.own ?? "").slice(0, 50)}__aside`)};
  END IF;
END;
$undo$`,
  ];
}

const whereThere = (statement: string) => `DO $undo$
BEGIN
  ${statement};
EXCEPTION WHEN undefined_table OR undefined_column OR undefined_object OR undefined_function OR invalid_schema_name OR invalid_parameter_value
  -- A policy or a trigger has its former name already.
  OR duplicate_object THEN NULL;
END;
$undo$`;
