import { oneLine } from "../../lambdas/shared/text.ts";

/** An object's kind and name: `extension vector`, `enum public.state`. */
const THING = /^[a-z][a-z' -]*[a-z'] \S/;
const CHANGED = /^(.+?) changed: (?:was (".+?"))?(?:, )?(?:now (".+"))?$/;

/**
 * Reads an entry of `leaves`, which names a difference as the proof of a rollback does, or in a shorter form:
 *
 * - `extension vector`, also `extension vector added`: the object is there, and was not before.
 * - `enum public.state: label: archived`, also `enum public.state changed: now "label: archived"`: the line is new.
 * - `column public.t.c: without not null`: the line is gone. `index public.i removed`: the object is gone.
 *
 * @returns the shorter forms, one for each line; undefined if the entry names no difference
 */
export function leavesOf(text: string): string[] | undefined {
  const entry = oneLine(text);
  if (!THING.test(entry) || entry.includes("…")) return undefined;
  const added = / added$/.exec(entry);
  if (added) return [entry.slice(0, added.index)];
  const changed = CHANGED.exec(entry);
  if (!changed) return / changed(: .*)?$/.test(entry) ? undefined : [entry];
  const [, thing, was, now] = changed;
  if (was === undefined && now === undefined) return undefined;
  return [
    ...linesIn(was).map((line) => `${thing}: without ${line}`),
    ...linesIn(now).map((line) => `${thing}: ${line}`),
  ];
}

/** Each of `"label: a" and "label: b"`. */
function linesIn(quoted: string | undefined): string[] {
  return quoted === undefined ? [] : quoted.slice(1, -1).split('" and "');
}
