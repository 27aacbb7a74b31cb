import { onTestFinished } from "vitest";
import { openGate } from "../../lambdas/gate/task.ts";
import { fingerprintOf } from "../../lambdas/proof/catalog.ts";
import { keepCatalog } from "../../lambdas/proof/stored-record.ts";
import { Doc, type GateDecisionDoc, type RequestDoc } from "../../lambdas/shared/documents.ts";
import type { GateKind } from "../../lambdas/shared/gates.ts";
import { timeLeft } from "../../lambdas/shared/gates.ts";
import type { CompiledPlan } from "../../lambdas/shared/plan.ts";
import type { RunSettings } from "../../lambdas/shared/settings.ts";
import { compilePlan } from "../../lib/plan/compile.ts";
import { startGateServer } from "../../local/gate-server.ts";
import { migrated, RunFixture, rehearsed } from "../support/evidence-fixtures.ts";
import { type MemoryPorts, memoryPorts, TestClock } from "../support/ports.ts";

export const MINUTES = 60;

/** A run with a gate that is open, its page served until the test is over. */
export interface Stage {
  ports: MemoryPorts;
  link: string;
  /** The decision on that attempt at the gate. */
  decision(attempt?: number): Promise<GateDecisionDoc | undefined>;
  /** Asks the escalation contacts, by a link of their own. */
  escalate(): Promise<string>;
}

export interface Wishes {
  kind?: Exclude<GateKind, "after" | "restore">;
  settings?: Partial<RunSettings>;
  request?: Partial<RequestDoc>;
  /** How many Goes the gate needs. */
  approvals?: number;
}

let plan: CompiledPlan | undefined;

/** The bundled plan at a gate, with what a run leaves in its evidence until there. */
export async function stage({
  kind = "rehearsal",
  settings,
  request,
  approvals,
}: Wishes = {}): Promise<Stage> {
  plan ??= await compilePlan("sql/knowledge-graph");
  const fixture = new RunFixture(request ? { request } : {});
  await play(fixture, kind);
  const text = { ...plan.gates[kind], ...(approvals === undefined ? {} : { approvals }) };
  const ports = memoryPorts({
    plan: { ...plan, gates: { ...plan.gates, [kind]: text } },
    settings: { instance: "orders-production", separateApprover: true, contacts: CONTACTS, ...settings },
  });
  ports.evidence = fixture.store;
  ports.clock = new TestClock(fixture.now());
  const server = await startGateServer(() => ports);
  onTestFinished(() => server.close());
  ports.settings.gateUrl = server.url;

  const catalog = fingerprintOf([{ kind: "table", name: "public.agent_profiles", definition: "12 columns" }]);
  const doc = await keepCatalog(fixture.evidence, catalog);
  const gate = kind;
  const open = async (escalation: boolean) => {
    const time = await timeLeft({ gate, kind, minutes: MINUTES }, ports, fixture.evidence);
    const event = { gate, kind, version: null, token: "token", escalation, until: time?.until ?? "" };
    await openGate(event, ports, fixture.evidence, async () => ({ doc, whole: async () => catalog }));
    return /^http:\S+$/m.exec(ports.notices.at(-1)?.text ?? "")?.[0] ?? "";
  };
  return {
    ports,
    link: await open(false),
    decision: (attempt = 1) => fixture.evidence.read(Doc.gateDecision(gate, attempt)),
    escalate: () => open(true),
  };
}

const CONTACTS = [
  { role: "Migration lead", name: "Grace Hopper, +49 30 1234567" },
  { role: "Channel", name: "#migration" },
];

async function play(fixture: RunFixture, kind: GateKind): Promise<void> {
  switch (kind) {
    case "readiness":
      await fixture.admit();
      return fixture.state("Preflight", () => fixture.preflight());
    case "rehearsal":
      return void (await rehearsed(fixture));
    default:
      await migrated(fixture);
      return fixture.prove();
  }
}
