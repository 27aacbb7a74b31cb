import type { Definition } from "../../local/definition.ts";
import type { TaskState } from "./cases.ts";

/** Returns a state input with every value that any state reads, by the definition's own paths. */
export function inputFor({ parsed }: Definition): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const path of [...pathsIn(parsed.States)].sort()) {
    const keys = path.split(".").slice(1);
    const last = keys.pop();
    if (last === undefined) continue;
    let at = input;
    for (const key of keys) {
      if (typeof at[key] !== "object") at[key] = {};
      at = at[key] as Record<string, unknown>;
    }
    // Times are numbers; all other values may be texts.
    at[last] ??= /seconds$/i.test(last) ? 60 : "x";
  }
  return input;
}

/** Whether the task's payload or its time comes from the state's input. */
export function readsState({ Parameters, TimeoutSecondsPath }: TaskState): boolean {
  return pathsIn([Parameters, TimeoutSecondsPath]).size > 0;
}

/** Puts a result into a state's input as Step Functions does: the result itself without a path, the input if the path is null. */
export function filled(
  input: Record<string, unknown>,
  path: string | null | undefined,
  result: unknown,
): unknown {
  if (path === null) return input;
  if (path === undefined || path === "$") return result;
  const [key, ...rest] = path.split(".").slice(1) as [string, ...string[]];
  const inner = (input[key] ?? {}) as Record<string, unknown>;
  return { ...input, [key]: rest.length === 0 ? result : filled(inner, `$.${rest.join(".")}`, result) };
}

/** Paths into the state. Paths into the context begin with $$ and are left out. */
function pathsIn(value: unknown): Set<string> {
  const found = new Set<string>();
  const visit = (one: unknown, key = ""): void => {
    if (typeof one === "string") {
      if (!/(\.\$|Path|^Variable)$/.test(key) || key === "ResultPath") return;
      for (const [path] of one.matchAll(/(?<!\$)\$(\.[\w-]+)+/g)) found.add(path);
    } else if (Array.isArray(one))
      for (const item of one) visit(item, typeof item === "string" ? "Path" : "");
    else if (typeof one === "object" && one !== null)
      for (const [name, inner] of Object.entries(one)) visit(inner, name);
  };
  visit(value);
  return found;
}
