import type { Definition } from "../../local/definition.ts";
import { Flow } from "./flow.ts";

/** A state machine by its phases, as Mermaid text. */
export function machinePicture(definition: Definition): string {
  const flow = new Flow(definition);
  const names = definition.phases.map(({ phase }) => phase);
  const id = (phase: string) => `p${names.indexOf(phase)}`;
  const lines = ["flowchart TD", '  start([" "])'];
  for (const phase of names)
    lines.push(phase.startsWith("Gate: ") ? `  ${id(phase)}{{"${phase}"}}` : `  ${id(phase)}["${phase}"]`);
  lines.push(`  start --> ${id(flow.phaseOf(definition.parsed.StartAt))}`);
  for (const { from, to, label } of edgesOf(flow))
    lines.push(`  ${id(from)} ${label === "" ? "-->" : `-- "${label}" -->`} ${id(to)}`);
  for (const name of flow.order.filter((state) => /^(Fail|Succeed)$/.test(flow.state(state).Type)))
    lines.push(`  ${id(flow.phaseOf(name))} --> ${name.replace(/\W/g, "")}(["${name}"])`);
  return `${lines.join("\n")}\n`;
}

interface Edge {
  from: string;
  to: string;
  label: string;
}

/** Ways that lead from one phase into another, each once. */
function edgesOf(flow: Flow): Edge[] {
  const labels = new Map<string, Set<string>>();
  for (const name of flow.order) {
    // A state that only notes how a run ends has no edges of its own: the edge that leads to it shows the end.
    if (flow.endNotedBy(name) !== undefined) continue;
    for (const { to, when } of flow.ways(name)) {
      const [from, into] = [flow.phaseOf(name), flow.phaseOf(to)];
      if (from === into) continue;
      const end = flow.endNotedBy(to);
      const edge = JSON.stringify([from, into, end ?? ""]);
      labels.set(edge, (labels.get(edge) ?? new Set()).add(when));
    }
  }
  return [...labels].map(([edge, whens]) => {
    const [from, to, end] = JSON.parse(edge) as [string, string, string];
    // Where the usual way leads too, it does not matter what else does.
    const why = whens.has("") ? "" : [...whens].join(", ");
    return { from, to, label: [why, end].filter((part) => part !== "").join(": ") };
  });
}
