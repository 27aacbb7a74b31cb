import type {
  Fingerprint,
  GrowingDoc,
  LargeObjectsDoc,
  ScopeDoc,
  SequenceDoc,
  TableContentDoc,
  ViewContentDoc,
} from "../shared/documents.ts";
import { readAs } from "./compare-contents.ts";

export interface Looked {
  /** What was compared of the catalog; null: nothing. */
  catalog: Fingerprint | null;
  tables: readonly TableContentDoc[];
  views: readonly ViewContentDoc[];
  sequences: readonly SequenceDoc[];
  growing: readonly GrowingDoc[];
  /** Unlogged tables that the plan leaves out. */
  leftOut?: readonly string[] | undefined;
  /** Absent in evidence of older runs. */
  largeObjects: LargeObjectsDoc | undefined;
  /** Tables that changed in the meantime, as they may without a fence. */
  unproven: number;
}

const NOT_READABLE = "the role may not read them";

/** States what a proof covers, and what it does not. */
export function scopeOf({
  catalog,
  tables,
  views,
  sequences,
  growing,
  leftOut: tablesLeftOut = [],
  largeObjects,
  unproven,
}: Looked): ScopeDoc {
  const objects = catalog?.objects ?? [];
  const allViews = objects.filter(({ kind }) => kind === "materialized view").length;
  const foreign = objects.filter(({ kind }) => kind === "foreign table").length;
  const roles = objects.filter(({ kind }) => kind === "role").length;
  const grows = new Set(growing.map(({ table }) => table));
  const read = tables.filter(({ table }) => !grows.has(table));
  const viewsRead = views.filter(({ notRead }) => notRead === undefined).length;
  const leftOut = views.filter(({ notRead }) => notRead === "left out").length;
  const [counted, sampled] = (["count", "sample"] as const).map(
    (mode) =>
      [...read, ...views.filter(({ notRead }) => notRead === undefined)].filter(
        (table) => readAs(table) === mode,
      ).length,
  );
  const unreadSequences = sequences.filter(({ unread }) => unread).length;
  const unreadOf = (kind: string) => (catalog?.unread ?? []).filter((object) => object.kind === kind).length;
  const largeUnread = Number(largeObjects?.unread ?? 0);
  const largeRead = Number(largeObjects?.count ?? 0) - largeUnread;
  return {
    proven: some([
      [objects.length - roles, "catalog of 1 object", "catalog of # objects"],
      [read.length - unproven, "1 table", "# tables"],
      [viewsRead, "1 materialized view", "# materialized views"],
      [grows.size, "the earlier rows of 1 table that grows", "the earlier rows of # tables that grow"],
      [sequences.length - unreadSequences, "1 sequence", "# sequences"],
      [largeRead, "1 large object", "# large objects"],
      [roles, "1 role", "# roles"],
    ]),
    notProven: some([
      [counted ?? 0, "the values of 1 table", "the values of # tables", "only counted, as the plan requests"],
      [
        sampled ?? 0,
        "most values of 1 table",
        "most values of # tables",
        "only a sample was read, as the plan requests",
      ],
      [
        tablesLeftOut.length,
        `the rows of unlogged ${tablesLeftOut[0] ?? ""}`,
        "the rows of # unlogged tables",
        "left out, as the plan requests: a snapshot has no rows of unlogged tables",
      ],
      [unproven, "1 table", "# tables", "changed in the meantime, as they may without a fence"],
      [
        leftOut,
        "the contents of 1 materialized view",
        "the contents of # materialized views",
        "left out, as the plan requests",
      ],
      [
        catalog ? allViews - viewsRead - leftOut : 0,
        "the contents of 1 materialized view",
        "the contents of # materialized views",
        "not read",
      ],
      [
        foreign,
        "the contents of 1 foreign table",
        "the contents of # foreign tables",
        "they are on another server",
      ],
      [unreadSequences, "1 sequence", "# sequences", NOT_READABLE],
      [largeUnread, "the content of 1 large object", "the content of # large objects", NOT_READABLE],
      [
        unreadOf("connection of subscription"),
        "the connection of 1 subscription",
        "the connections of # subscriptions",
        NOT_READABLE,
      ],
      [
        unreadOf("options of user mapping"),
        "the options of 1 user mapping",
        "the options of # user mappings",
        NOT_READABLE,
      ],
      [
        unreadOf("rows of an extension's table"),
        "the rows of 1 extension's table",
        "the rows of # extensions' tables",
        NOT_READABLE,
      ],
    ]),
  };
}

function some(
  parts: readonly (readonly [count: number, one: string, several: string, why?: string])[],
): string[] {
  return parts.flatMap(([count, one, several, why]) => {
    if (count <= 0) return [];
    if (count === 1)
      return [
        why === undefined
          ? one
          : `${one} (${why.replace("them", "it").replace("they are", "it is").replace("they may", "it may")})`,
      ];
    const what = several.replace("#", String(count));
    return [why === undefined ? what : `${what} (${why})`];
  });
}

/**
 * For example `Proven: catalog of 214 objects, 7 tables, 3 roles. Not proven: the content of 5 large objects (...).`
 */
export function scopeInWords({ proven, notProven }: ScopeDoc): string {
  return [
    `Proven: ${proven.length === 0 ? "nothing" : proven.join(", ")}.`,
    ...(notProven.length === 0 ? [] : [`Not proven: ${notProven.join(", ")}.`]),
  ].join(" ");
}
