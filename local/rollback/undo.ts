import { type Catalog, type Described, keyOf, type Part } from "./catalog.ts";
import { rebuildTypes } from "./rebuild-types.ts";

// Undoes the differences between catalogs: drops added objects, makes objects again that are gone or cannot be altered
// back, and sets the differing parts of the others. Dependencies decide the order.

/** Parts from here on are set last: they need no other parts, and no other parts need them. */
const LATE = 50;
const rankOf = (key: string) => Number(key.slice(0, 2));
const TYPE_OF_COLUMN = "01 type";
const CHILD_OF = "53 child of ";
const TABLES = new Set(["table", "partitioned table"]);

/** Kinds that are never dropped to make room for another object: they hold rows, or many other objects. */
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
/** Kinds that consist only of parts. */
const PARTS_ONLY = new Set(["default privileges", "privileges", "parameter"]);
/** Kinds that follow the type of their column by themselves. */
const FOLLOWS_TYPE = new Set(["index", "constraint", "statistics"]);

export interface Undone {
  /** In order. Each is safe to run again, and where the change that it undoes is missing. */
  statements: string[];
  /** What cannot be written as SQL, in lines. */
  unwritten: string[];
}

/**
 * @param before the state to get back to
 * @param afters the states that may be found, under former names: one after each step of a migration
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

  /** Drops what cannot stay while this object is missing. */
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

  /** Gives a column its former type back. Views and similar objects on it must go first. */
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

  /** Whether it is made again, or was missing after one of the steps. */
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
          unwritten.push(`${was.kind} ${was.name}: its options may have a password, which must not be read`);
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
    // A role can be dropped once it owns nothing, and owners are set late.
    const last = statements.filter((statement) => statement.startsWith("DROP ROLE"));
    return {
      statements: [...statements.filter((statement) => !last.includes(statement)), ...late, ...last],
      unwritten,
    };
  }

  /** Whether it is a foreign key between two tables that are both dropped: each table would block the other. */
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
        // A default or a type that uses a dropped object is first set to its former value.
        for (const own of [key, ...this.columnsOf(key)]) before(set(own), `drop ${needed}`);
        before(`set ${key}`, `drop ${needed}`);
        for (const own of [key, ...this.columnsOf(key)]) before(`unset ${own}`, `drop ${needed}`);
        before(`unset ${needed}`, `make ${key}`);
      }
    for (const [key, needs] of this.before.needs)
      for (const needed of needs) {
        // When it runs again, the object exists already.
        before(`drop ${key}`, `drop ${needed}`);
        // The column of a sequence is set last, and that column's default needs the sequence.
        if (key.startsWith("sequence ")) continue;
        before(`make ${needed}`, `make ${key}`);
        before(`make ${needed}`, `set ${key}`);
        before(`set ${needed}`, `make ${key}`);
        before(set(needed), `make ${key}`);
        // Parts of the needed object, such as the columns of a table that a view reads.
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

  /** The parts to set, by object, and those to set at the very end. */
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
        // A partition would be dropped with its table, with all its rows.
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

/** Order of kinds where no dependency decides: what others are made of comes first. */
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
