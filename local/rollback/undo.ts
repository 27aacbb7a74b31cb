import { type Catalog, type Described, keyOf, type Part } from "./catalog.ts";
import { rebuildTypes } from "./rebuild-types.ts";

// What undoes a difference between catalogs: objects that were added are dropped, those that are gone or cannot be
// altered back are made again, and of the others the parts that differ are set. A dependency decides the order.

/** From here on parts are set last: they need nothing of other parts, and nothing needs them. */
const LATE = 50;
const rankOf = (key: string) => Number(key.slice(0, 2));
const TYPE_OF_COLUMN = "01 type";
const CHILD_OF = "53 child of ";
const TABLES = new Set(["table", "partitioned table"]);

/** Kinds that are never dropped for the sake of something that they use: they hold rows, or many other things. */
const STAYS = new Set([
  "table",
  "partitioned table",
  "foreign table",
  "sequence",
  "publication",
  "default privileges",
  "settings",
  "database",
  "role",
  "schema",
  "extension",
  "enum label",
  "type of another",
  "privileges",
  "parameter",
  "tablespace",
]);
const TYPES = new Set(["enum", "domain", "composite type"]);
/** Of these there is nothing but what is set and taken away. */
const PARTS_ONLY = new Set(["default privileges", "privileges", "parameter"]);
/** What follows the type of its column by itself. */
const FOLLOWS_TYPE = new Set(["index", "constraint", "statistics"]);

export interface Undone {
  /** In order; each may be run again, and where what it undoes was not done. */
  statements: string[];
  /** What cannot be written, a line each. */
  unwritten: string[];
}

/**
 * @param before what is to be again
 * @param afters what may be found instead, under former names: after each step of a migration
 */
export function undo(before: Catalog, afters: readonly Catalog[]): Undone {
  return new Undo(before, afters).written();
}

class Undo {
  private readonly dropped = new Set<string>();
  private readonly retyped = new Set<string>();
  private readonly rebuiltTypes = new Set<string>();
  private readonly seen = new Map<string, Described>();
  private readonly after: Pick<Catalog, "needs" | "needed">;

  constructor(
    private readonly before: Catalog,
    private readonly afters: readonly Catalog[],
  ) {
    for (const { objects } of afters) for (const [key, object] of objects) this.seen.set(key, object);
    this.after = {
      needs: union(afters.map(({ needs }) => needs)),
      needed: union([...afters.map(({ needed }) => needed), before.needed]),
    };
  }

  written(): Undone {
    for (const [key, { drop }] of this.seen)
      if (!this.before.objects.has(key) && drop !== null) this.drop(key);
    for (const [key, was] of this.before.objects)
      for (const { objects } of this.afters) {
        const is = objects.get(key);
        if (!is) continue;
        if (is.rebuild !== was.rebuild) this.rebuild(key, was);
        const [then, now] = [was.parts[TYPE_OF_COLUMN], is.parts[TYPE_OF_COLUMN]];
        if (then && now && differs(then, now)) this.retype(key);
      }
    return this.ordered();
  }

  private rebuild(key: string, { kind }: Described): void {
    if (!TYPES.has(kind)) this.drop(key);
    else if (!this.rebuiltTypes.has(key)) {
      this.rebuiltTypes.add(key);
      this.dropNeeding(key);
    }
  }

  private drop(key: string): void {
    if (this.dropped.has(key)) return;
    this.dropped.add(key);
    this.dropNeeding(key);
  }

  /** What cannot stay while this one is not there. */
  private dropNeeding(key: string): void {
    for (const other of this.after.needed.get(key) ?? []) {
      const object = this.seen.get(other) ?? this.before.objects.get(other);
      if (!object || STAYS.has(object.kind)) continue;
      if (object.parent === key) this.drop(other);
      else if (TYPES.has(object.kind)) this.rebuild(other, object);
      else if (object.kind === "column") this.columnNeeding(other, object, key);
      else this.drop(other);
    }
  }

  private columnNeeding(column: string, { rebuild, parts }: Described, needed: string): void {
    if (rebuild !== null && rebuild !== "holds values") this.drop(column);
    else if (this.rebuiltTypes.has(needed) && parts[TYPE_OF_COLUMN]) this.retype(column);
  }

  /** A column that gets its former type back: views and the like stand in the way of that. */
  private retype(column: string): void {
    if (this.retyped.has(column)) return;
    this.retyped.add(column);
    for (const other of this.after.needed.get(column) ?? []) {
      const object = this.seen.get(other) ?? this.before.objects.get(other);
      if (!object || STAYS.has(object.kind) || FOLLOWS_TYPE.has(object.kind)) continue;
      if (object.kind !== "column" || (object.rebuild !== null && object.rebuild !== "holds values"))
        this.drop(other);
    }
  }

  /** It is made again, or was gone after one of the steps. */
  private isMade(key: string): boolean {
    return this.dropped.has(key) || this.afters.some(({ objects }) => !objects.has(key));
  }

  private parentOf(key: string): Described | undefined {
    const { parent } = this.before.objects.get(key) ?? {};
    return parent == null ? undefined : this.before.objects.get(parent);
  }

  private ordered(): Undone {
    const { early, late, unsets } = this.parts();
    const nodes = new Map<string, { statements: string[]; first: string[] }>();
    const node = (id: string, statements: readonly string[]) =>
      nodes.set(id, { statements: [...statements], first: [] });
    const unwritten: string[] = [];
    for (const key of this.dropped) {
      const object = this.seen.get(key) ?? this.before.objects.get(key);
      const gone = object?.parent != null && this.dropped.has(object.parent) && !this.dropsAlone(key);
      node(`drop ${key}`, object?.drop == null || gone ? [] : [object.drop]);
    }
    for (const [key, was] of this.before.objects) {
      if (this.isMade(key)) {
        const parent = this.parentOf(key);
        const withParent = was.kind === "column" && parent !== undefined && this.isMade(keyOf(parent));
        const { create } = was;
        if (create === null && was.kind === "user mapping")
          unwritten.push(`${was.kind} ${was.name}: its options may hold a password, which is not to be read`);
        if (create === null && ["type", "text search parser", "text search template"].includes(was.kind))
          unwritten.push(`${was.kind} ${was.name}: make it again by hand`);
        node(`make ${key}`, create === null || withParent ? [] : [create]);
      }
      const set = early.get(key) ?? [];
      if (set.length > 0) node(`set ${key}`, set);
    }
    for (const [key, statements] of unsets) node(`unset ${key}`, statements);
    if (this.rebuiltTypes.size > 0) node("types", [rebuildTypes(this.typesInOrder(), this.typeColumns())]);
    this.link(nodes);
    const statements = inOrder(nodes);
    // A role may be dropped once nothing is its own any more, and owners are set late.
    const last = statements.filter((statement) => statement.startsWith("DROP ROLE"));
    return {
      statements: [...statements.filter((statement) => !last.includes(statement)), ...late, ...last],
      unwritten,
    };
  }

  /** A foreign key between two tables that both go: each would be in the way of the other. */
  private dropsAlone(key: string): boolean {
    const object = this.seen.get(key);
    return object?.kind === "constraint" && / REFERENCES /.test(object.rebuild ?? "");
  }

  private link(nodes: Map<string, { statements: string[]; first: string[] }>): void {
    const before = (first: string, then: string) => {
      if (first !== then && nodes.has(first)) nodes.get(then)?.first.push(first);
    };
    const set = (key: string) =>
      this.rebuiltTypes.has(key) || (this.retyped.has(key) && this.isByType(key)) ? "types" : `set ${key}`;
    for (const [key, needs] of this.after.needs)
      for (const needed of needs) {
        before(`drop ${key}`, `drop ${needed}`);
        before(`drop ${key}`, set(needed));
        before(`drop ${key}`, `set ${needed}`);
        // A default or a type that uses what goes is set to what it was first.
        for (const own of [key, ...this.columnsOf(key)]) before(set(own), `drop ${needed}`);
        before(`set ${key}`, `drop ${needed}`);
        for (const own of [key, ...this.columnsOf(key)]) before(`unset ${own}`, `drop ${needed}`);
        before(`unset ${needed}`, `make ${key}`);
      }
    for (const [key, needs] of this.before.needs)
      for (const needed of needs) {
        // Run again, it finds what it made.
        before(`drop ${key}`, `drop ${needed}`);
        // Which column it is for is set last, and that column's default needs it.
        if (key.startsWith("sequence ")) continue;
        before(`make ${needed}`, `make ${key}`);
        before(`make ${needed}`, `set ${key}`);
        before(`set ${needed}`, `make ${key}`);
        before(set(needed), `make ${key}`);
        // Parts of what is needed, such as the columns of a table that a view reads.
        for (const part of this.columnsOf(needed)) {
          before(`make ${part}`, `make ${key}`);
          if (part !== key) before(`set ${part}`, `make ${key}`);
        }
      }
    const names = new Map<string, string[]>();
    for (const key of this.dropped) {
      const name = this.seen.get(key)?.name ?? this.before.objects.get(key)?.name ?? "";
      names.set(name, [...(names.get(name) ?? []), key]);
    }
    for (const [key, { name }] of this.before.objects) {
      before(`make ${key}`, `set ${key}`);
      before(`unset ${key}`, `set ${key}`);
      before("types", `set ${key}`);
      for (const other of names.get(name) ?? []) before(`drop ${other}`, `make ${key}`);
    }
  }

  private columnsOf(key: string): string[] {
    const found = [...(this.after.needed.get(key) ?? [])];
    return found.filter(
      (other) => other.startsWith("column ") && this.before.objects.get(other)?.parent === key,
    );
  }

  private isByType(column: string): boolean {
    return [...(this.before.needs.get(column) ?? [])].some((needed) => this.rebuiltTypes.has(needed));
  }

  private typesInOrder(): Described[] {
    const done: string[] = [];
    const visit = (key: string) => {
      if (done.includes(key)) return;
      for (const needed of this.before.needs.get(key) ?? []) if (this.rebuiltTypes.has(needed)) visit(needed);
      done.push(key);
    };
    for (const key of [...this.rebuiltTypes].sort()) visit(key);
    return done.flatMap((key) => this.before.objects.get(key) ?? []);
  }

  private typeColumns(): string[] {
    return [...this.retyped]
      .sort()
      .filter((key) => this.isByType(key) && this.seen.has(key))
      .flatMap((key) => this.before.objects.get(key)?.parts[TYPE_OF_COLUMN]?.set ?? []);
  }

  private losesParent(key: string): boolean {
    return [...(this.after.needs.get(key) ?? [])].some(
      (needed) => this.dropped.has(needed) && TABLES.has(this.seen.get(needed)?.kind ?? ""),
    );
  }

  /** What parts are set, by object, and what is set last of all. */
  private parts(): {
    early: Map<string, string[]>;
    late: string[];
    unsets: Map<string, string[]>;
  } {
    const early = new Map<string, string[]>();
    const unsets = new Map<string, string[]>();
    const late: { rank: number; statement: string }[] = [];
    for (const [key, was] of this.before.objects) {
      const made = this.isMade(key);
      const resets = this.retyped.has(key) || made;
      const names = Object.keys(was.parts).sort();
      const wanted = names.filter((name) => {
        const part = was.parts[name];
        if (part === undefined) return false;
        // A partition would go with its table, and all its rows.
        if (name.startsWith(CHILD_OF) && this.losesParent(key)) return true;
        if (name === TYPE_OF_COLUMN) return !made && this.retyped.has(key) && !this.isByType(key);
        if (resets && !part.plain) return true;
        return this.afters.some(({ objects }) => {
          const is = objects.get(key);
          return is !== undefined && !this.dropped.has(key) && differs(part, is.parts[name]);
        });
      });
      for (const name of wanted) {
        const { set, replace } = was.parts[name] as Part;
        const former = replace ? this.afters.map(({ objects }) => objects.get(key)?.parts[name]) : [];
        for (const part of former)
          if (part?.unset && part.set !== set && !this.dropped.has(key)) push(unsets, key, part.unset);
        if (rankOf(name) < LATE) push(early, key, set);
        else late.push({ rank: rankOf(name), statement: set });
      }
    }
    for (const { objects } of this.afters)
      for (const [key, is] of objects) {
        const was = this.before.objects.get(key);
        if (this.dropped.has(key) || (is.parent !== null && this.dropped.has(is.parent))) continue;
        if (!was && !PARTS_ONLY.has(is.kind)) continue;
        for (const name of Object.keys(is.parts).sort()) {
          const { unset } = is.parts[name] as Part;
          const isLeft = name.startsWith(CHILD_OF) && this.losesParent(key);
          if (unset !== undefined && (was?.parts[name] === undefined || isLeft)) push(unsets, key, unset);
        }
      }
    late.sort((a, b) => a.rank - b.rank);
    return { early, late: unique(late.map(({ statement }) => statement)), unsets };
  }
}

export const differs = (was: Part | undefined, is: Part | undefined): boolean =>
  (was?.is ?? was?.set) !== (is?.is ?? is?.set);

function push(map: Map<string, string[]>, key: string, statement: string): void {
  const some = map.get(key) ?? [];
  if (!some.includes(statement)) some.push(statement);
  map.set(key, some);
}

const unique = (statements: readonly string[]) => [...new Set(statements)];

function union(all: readonly ReadonlyMap<string, ReadonlySet<string>>[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const map of all)
    for (const [key, values] of map) {
      const some = found.get(key) ?? new Set();
      for (const value of values) some.add(value);
      found.set(key, some);
    }
  return found;
}

/** What makes others, before what is made of them, where nothing else says so. */
const RANKS = [
  "role",
  "schema",
  "extension",
  "language",
  "enum",
  "type",
  "domain",
  "composite type",
  "range type",
  "sequence",
  "collation",
  "function",
  "procedure",
  "aggregate",
  "operator",
  "table",
  "partitioned table",
  "foreign table",
  "column",
  "constraint",
  "index",
  "statistics",
  "trigger",
  "policy",
  "view",
  "materialized view",
];
const PHASES = ["unset", "drop", "types", "make", "set"];

function inOrder(nodes: ReadonlyMap<string, { statements: string[]; first: string[] }>): string[] {
  const weight = (id: string) => {
    const [phase = "", ...kind] = id.split(" ");
    const rank = RANKS.findIndex((name) => `${kind.join(" ")} `.startsWith(`${name} `));
    return PHASES.indexOf(phase) * 1000 + (phase === "drop" ? -rank : rank);
  };
  const done = new Set<string>();
  const statements: string[] = [];
  const visit = (id: string) => {
    if (done.has(id)) return;
    done.add(id);
    const { first, statements: own } = nodes.get(id) ?? { first: [], statements: [] };
    for (const other of first) visit(other);
    statements.push(...own);
  };
  for (const id of [...nodes.keys()].sort((a, b) => weight(a) - weight(b) || (a < b ? -1 : 1))) visit(id);
  return unique(statements);
}
