import type { Definition } from "../../local/definition.ts";
import { Flow } from "./flow.ts";

/** Returns a state machine's phases as Mermaid text. */
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

/** Transitions between phases, each once. */
function edgesOf(flow: Flow): Edge[] {
  const labels = new Map<string, Set<string>>();
  for (const name of flow.order) {
    // A state that only notes the end is shown as the label of the way to it.
    if (endNotedBy(flow, name) !== undefined) continue;
    for (const { to, when } of flow.ways(name)) {
      const [from, into] = [flow.phaseOf(name), flow.phaseOf(to)];
      if (from === into) continue;
      const end = endNotedBy(flow, to);
      const edge = JSON.stringify([from, into, end ?? ""]);
      labels.set(edge, (labels.get(edge) ?? new Set()).add(when));
    }
  }
  return [...labels].map(([edge, whens]) => {
    const [from, to, end] = JSON.parse(edge) as [string, string, string];
    // The usual way needs no label, even if other ways lead there too.
    const why = whens.has("") ? "" : [...whens].join(", ");
    return { from, to, label: [why, end].filter((part) => part !== "").join(": ") };
  });
}

function endNotedBy(flow: Flow, name: string): string | undefined {
  const { Type, Result } = flow.state(name) as { Type: string; Result?: unknown };
  return Type === "Pass" && typeof Result === "string" ? Result : undefined;
}
