import type { CompiledPlan } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import type { ContentMode } from "./checksums.ts";

type Contents = CompiledPlan["contents"];

/**
 * What the plan's `contents` say of each relation, by the names that records have. A partitioned table stands for its
 * leaves; what is said of a leaf itself goes before.
 */
export async function contentsByName(session: Session, contents: Contents): Promise<Map<string, string>> {
  const found = await session.query<{ name: string; said: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, w.value AS said
       FROM jsonb_each_text($1::text::jsonb) w
       CROSS JOIN LATERAL (SELECT to_regclass(w.key) AS oid) r
       CROSS JOIN LATERAL (SELECT r.oid AS relid UNION SELECT relid FROM pg_partition_tree(r.oid)) t
       JOIN pg_class c ON c.oid = t.relid
       JOIN pg_namespace n ON n.oid = c.relnamespace
      ORDER BY c.oid = r.oid, (SELECT count(*) FROM pg_partition_ancestors(r.oid))`,
    [JSON.stringify(contents)],
  );
  return new Map(found.map(({ name, said }) => [name, said]));
}

/** How the plan wants tables' contents read. All others are read in full. */
export async function contentModes(
  session: Session,
  contents: Contents,
): Promise<ReadonlyMap<string, ContentMode>> {
  const modes = new Map<string, ContentMode>();
  // growing.ts reads those that only grow. What can be left out is not read at all.
  for (const [name, said] of await contentsByName(session, contents))
    if (said !== "none") modes.set(name, said === "grows" ? "count" : (said as ContentMode));
  return modes;
}

/**
 * The unlogged tables that the plan leaves out: their rows are in no snapshot, so that a copy has none. One that has
 * become a table like others is not left out, and preflight says so.
 */
export async function tablesLeftOut(session: Session, contents: Contents): Promise<ReadonlySet<string>> {
  const named = [...(await contentsByName(session, contents))].flatMap(([name, said]) =>
    said === "none" ? [name] : [],
  );
  if (named.length === 0) return new Set();
  const found = await session.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND format('%I.%I', n.nspname, c.relname) = ANY ($1)
      ORDER BY 1`,
    [named],
  );
  return new Set(found.map(({ name }) => name));
}

/** The same of materialized views, which may be left out. */
export async function viewModes(
  session: Session,
  contents: Contents,
): Promise<ReadonlyMap<string, ViewMode>> {
  const modes = await contentsByName(session, contents);
  return new Map(
    [...modes].filter(([, said]) => said !== "grows").map(([name, said]) => [name, said as ViewMode]),
  );
}

/** "none": left out, as what the view holds rightly changes whenever it is refreshed. */
export type ViewMode = ContentMode | "none";
