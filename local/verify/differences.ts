/**
 * The differences between the files that were found and those expected, a line each. It recognizes files that were swapped
 * or renamed.
 * @param late expected files that were written after the manifest
 */
export function differences(
  expected: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
  late: ReadonlySet<string>,
): string[] {
  const gone = [...expected.keys()].filter((name) => !found.has(name));
  const changed = [...expected.keys()].filter(
    (name) => found.has(name) && found.get(name) !== expected.get(name),
  );
  const added = [...found.keys()].filter((name) => !expected.has(name)).sort();
  const lines: string[] = [];
  const reported = new Set<string>();
  const when = (name: string) => (late.has(name) ? " (written after the run's end)" : "");

  for (const name of changed) {
    if (reported.has(name)) continue;
    const content = found.get(name);
    const owner = [...expected].find(([other, hash]) => other !== name && hash === content)?.[0];
    if (owner !== undefined && changed.includes(owner) && found.get(owner) === expected.get(name)) {
      lines.push(`swapped: ${name} and ${owner} have each other's contents`);
      reported.add(owner);
    } else if (owner !== undefined) lines.push(`changed: ${name} has what the run wrote to ${owner}`);
    else lines.push(`changed: ${name} is not what the run wrote${when(name)}`);
  }
  for (const name of gone) {
    const now = added.find((other) => !reported.has(other) && found.get(other) === expected.get(name));
    if (now === undefined) lines.push(`removed: ${name}${when(name)}`);
    else {
      lines.push(`renamed: ${name} is now ${now}`);
      reported.add(now);
    }
  }
  for (const name of added) if (!reported.has(name)) lines.push(`added: ${name} was not written by the run`);
  return lines;
}
