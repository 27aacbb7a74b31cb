import { oneLine } from "../../lambdas/shared/text.ts";

/** What it is, and its name: `extension vector`, `enum public.state`. */
const THING = /^[a-z][a-z' -]*[a-z'] \S/;
const CHANGED = /^(.+?) changed: (?:was (".+?"))?(?:, )?(?:now (".+"))?$/;

/**
 * Reads an entry of `leaves`, which names a difference as the proof of a rollback does, or shorter:
 *
 * - `extension vector`, also `extension vector added`: it is there, and was not.
 * - `enum public.state: label: archived`, also `enum public.state changed: now "label: archived"`: it has that line more.
 * - `column public.t.c: without not null`: it has that line no more. `index public.i removed`: it is gone.
 *
 * @returns the same in the shorter form, one for each line; undefined where it names no difference
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

/** Of `"label: a" and "label: b"` each. */
function linesIn(quoted: string | undefined): string[] {
  return quoted === undefined ? [] : quoted.slice(1, -1).split('" and "');
}
