import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  visit,
  type YAMLError,
} from "yaml";
import type { core } from "zod";
import { nearest } from "./nearest.ts";
import { keyPath, Mistakes, PlanError, PlanErrors } from "./plan-error.ts";
import { keysAt, parentsOf, planJsonSchema } from "./plan-json-schema.ts";
import { type PlanFile, planFile } from "./schema.ts";

/** plan.yaml as parsed, with the lines of its keys. */
export interface PlanYaml {
  file: PlanFile;
  /** The mistake with its key's line, if the file has the key. */
  placed(mistake: PlanError): PlanError;
}

/**
 * Parses plan.yaml.
 * @throws PlanErrors with all mistakes in it
 */
export function parsePlanYaml(text: string): PlanYaml {
  const mistakes = new Mistakes();
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { uniqueKeys: true, lineCounter });
  for (const error of [...document.errors, ...document.warnings])
    mistakes.add("plan.yaml", `line ${error.linePos?.[0].line ?? 1}`, yamlWords(error));
  if (document.errors.length === 0) refuseAliases(document, lineCounter, mistakes);
  mistakes.refuse();

  const placed = (file: string, path: readonly PropertyKey[], reason: string, key?: string): PlanError => {
    const line = lineAt(document, lineCounter, path, key);
    return new PlanError(
      file,
      keyPath(path) || "(top level)",
      line === undefined ? reason : `${reason} (line ${line})`,
    );
  };
  // A file with only comments is a plan with all defaults.
  const parsed = planFile.safeParse(document.toJS() ?? {}, { error: (issue) => rangeWords(issue) });
  if (parsed.success)
    return {
      file: parsed.data,
      placed: (mistake) =>
        mistake.file === "plan.yaml" && KEY_PATH.test(mistake.where)
          ? placed(mistake.file, pathOf(mistake.where), mistake.reason)
          : mistake,
    };
  for (const issue of parsed.error.issues) {
    const { path } = issue;
    if (issue.code === "unrecognized_keys")
      for (const key of issue.keys)
        mistakes.found.push(placed("plan.yaml", path, unknownKey(key, path), key));
    else mistakes.found.push(placed("plan.yaml", path, wordsOf(issue, nodeAt(document, path))));
  }
  throw new PlanErrors(mistakes.found);
}

/** A plan without plan.yaml. */
export function noPlanYaml(): PlanYaml {
  return { file: planFile.parse({}), placed: (mistake) => mistake };
}

const KEY_PATH = /^[\w-]+(?:\.[\w-]+|\[\d+\])*$/;

/** The parsed path of `migrations[1].folder`. */
function pathOf(where: string): PropertyKey[] {
  return [...where.matchAll(/([\w-]+)|\[(\d+)\]/g)].map(([, key, index]) =>
    index === undefined ? String(key) : Number(index),
  );
}

function nodeAt(document: Document.Parsed, path: readonly PropertyKey[]): Node | undefined {
  const found = path.length === 0 ? document.contents : document.getIn(path, true);
  return isNode(found) ? found : undefined;
}

/** Line of a key, or of the nearest key around it that the file has. */
function lineAt(
  document: Document.Parsed,
  lineCounter: LineCounter,
  path: readonly PropertyKey[],
  key?: string,
): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const node = nodeAt(document, path.slice(0, length));
    const name = length === path.length ? key : path[length];
    const pair = isMap(node)
      ? node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(name))
      : undefined;
    const at = (isNode(pair?.key) ? pair.key : length === 0 ? undefined : node)?.range?.[0];
    if (at !== undefined) return lineCounter.linePos(at).line;
  }
  return undefined;
}

function yamlWords({ code, message }: YAMLError): string {
  const reason = message.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? "not YAML";
  if (code === "DUPLICATE_KEY") return "this key is there twice. Remove one of the two";
  if (code === "TAB_AS_INDENT") return "a tab, where YAML takes only spaces. Use spaces";
  if (code === "MULTIPLE_DOCS")
    return "a second document begins here (---), and a plan has one. Remove it, or make another plan of it";
  const why = UNQUOTED.find(([pattern]) => pattern.test(reason))?.[1];
  if (why !== undefined) return `${why}. Put the value in quotes`;
  if (code === "TAG_RESOLVE_FAILED") return `${reason}. A plan takes plain text, numbers, lists and keys`;
  return reason;
}

/** The library's message for values that YAML reads as something else, and ours. */
const UNQUOTED: readonly (readonly [RegExp, string])[] = [
  [/^Nested mappings are not allowed/, "a colon followed by a space makes YAML read a key within the value"],
  [/^Plain value cannot start with/, "the value begins with a character that has a meaning in YAML"],
  [/^Block scalar header/, "a value that begins with > or | is a multi-line text in YAML"],
  [/^(Unresolved alias|Alias cannot)/, "a value that begins with * is an alias in YAML"],
  [/^Missing closing/, "a quote is not closed"],
];

/** Readers of a plan must see what a key holds at the key itself. */
function refuseAliases(document: Document<ParsedNode>, lineCounter: LineCounter, mistakes: Mistakes): void {
  const named: { line: number; text: string }[] = [];
  visit(document, {
    Node(_key, node) {
      const line = lineCounter.linePos(node.range?.[0] ?? 0).line;
      if (isAlias(node)) named.push({ line, text: `*${node.source}` });
      else if (node.anchor !== undefined) named.push({ line, text: `&${node.anchor}` });
    },
  });
  const [first] = named;
  if (first)
    mistakes.add(
      "plan.yaml",
      `line ${first.line}`,
      `anchors and aliases are not allowed (${[...new Set(named.map(({ text }) => text))].slice(0, 5).join(", ")}): write out the values`,
    );
}

/** Keys that people look for, and what does it instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  schemas:
    'a run does not repeat a plan for each schema of a database. Give each schema a migration folder of its own, which begins with SET search_path: docs/rollout-local.md shows how, under "One schema per tenant"',
};

function unknownKey(key: string, path: readonly PropertyKey[]): string {
  const instead = path.length === 0 ? INSTEAD[key] : undefined;
  if (instead !== undefined) return `unknown key "${key}": ${instead}`;
  const schema = planJsonSchema();
  const known = keysAt(schema, path);
  const meant = nearest(key, known);
  if (meant !== undefined) return `unknown key "${key}". Did you mean ${meant}?`;
  const parents = path.length === 0 ? parentsOf(schema, key) : [];
  if (parents.length > 0) return `unknown key "${key}". It belongs under ${parents.join(" or ")}`;
  return `unknown key "${key}". Known keys: ${known.join(", ")}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "keys of its own",
  record: "keys of its own",
};

function wordsOf(issue: core.$ZodIssue, node: Node | undefined): string {
  if (issue.code === "invalid_union") return "takes one word, or a list of words";
  if (issue.code === "invalid_value" && isScalar(node)) {
    const meant = nearest(String(node.value), issue.values.map(String));
    return meant === undefined ? issue.message : `${issue.message}. Did you mean ${meant}?`;
  }
  if (issue.code !== "invalid_type")
    return (issue.code === "invalid_format" || issue.code === "custom") && isScalar(node)
      ? `${issue.message}. The value is ${node.source ?? String(node.value)}`
      : issue.message;
  const wanted = TYPES[issue.expected] ?? issue.expected;
  if (node === undefined) return `is missing. It takes ${wanted}`;
  if (isScalar(node)) {
    const source = node.source ?? String(node.value);
    if (node.value === null) return `has no value. It takes ${wanted}; or remove the key`;
    if (issue.expected === "string")
      return `takes text, and YAML does not read ${source} as text. Put it in quotes: "${source}"`;
    if (issue.expected === "array") return `takes a list: [${source}]`;
    if (
      /^(number|int)$/.test(issue.expected) &&
      typeof node.value === "string" &&
      !Number.isNaN(Number(node.value))
    )
      return `takes ${wanted}: ${node.value}, without quotes`;
    return `takes ${wanted}, not ${source}`;
  }
  return `takes ${wanted}, not ${isMap(node) ? "keys" : "a list"}`;
}

/** Messages where the schema has none of its own. */
function rangeWords(issue: core.$ZodRawIssue): string | undefined {
  if (issue.code === "invalid_value")
    return `must be one of ${issue.values.map((value) => String(value)).join(", ")}`;
  if (issue.code === "too_small") {
    if (issue.origin === "string") return "must not be empty";
    if (issue.origin === "array") return "needs at least one";
    return `must be ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`;
  }
  if (issue.code === "too_big")
    return issue.origin === "string"
      ? `may have at most ${issue.maximum} characters`
      : `must be ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}`;
  return undefined;
}
