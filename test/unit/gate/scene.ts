import type { ReadCatalog } from "../../../lambdas/gate/basis.ts";
import { type OpenGate, openGate } from "../../../lambdas/gate/task.ts";
import { answer } from "../../../lambdas/gate-page/answer.ts";
import type { GateRequest, GateResponse } from "../../../lambdas/gate-page/request.ts";
import { fingerprintOf } from "../../../lambdas/proof/catalog.ts";
import { keepCatalog } from "../../../lambdas/proof/stored-record.ts";
import type { Report } from "../../../lambdas/report/schema.ts";
import { Doc, type GateDecisionDoc } from "../../../lambdas/shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../../../lambdas/shared/evidence.ts";
import { timeLeft } from "../../../lambdas/shared/gates.ts";
import { type MemoryPorts, memoryPorts, type PortOverrides } from "../../support/ports.ts";
import { emptyReport } from "./reports.ts";

export const RUN = "run-1";
export const TOKEN = "AQCEAAAAKgAAAAMAAAAA+/task=token";

/** How long each gate is open. */
export const MINUTES = 60;

const HTML_FORM = "application/x-www-form-urlencoded";

/** A catalog that a test can change. */
export class Catalog {
  objects = [{ kind: "table", name: "public.t", definition: "one column" }];
  read: ReadCatalog = async (_, evidence) => {
    const whole = fingerprintOf(this.objects);
    return { doc: await keepCatalog(evidence, whole), whole: async () => whole };
  };
}

export interface Scene {
  ports: MemoryPorts;
  evidence: RunEvidence;
  catalog: Catalog;
  report: Report;
  /** Opens a gate and returns its link. */
  open(event?: Partial<OpenGate>): Promise<{ path: string; key: string; link: string }>;
  request(request: Partial<GateRequest>): Promise<GateResponse>;
  get(path: string, key: string): Promise<GateResponse>;
  /** Opens the page, fills in its form as a person would, and sends it. */
  answerAs(path: string, key: string, fields: Readonly<Record<string, string>>): Promise<GateResponse>;
  /** Sends fields unchanged. */
  post(path: string, fields: Fields): Promise<GateResponse>;
}

export type Fields = Readonly<Record<string, string>> | readonly (readonly [string, string])[];

function encoded(fields: Fields): string {
  const pairs = Array.isArray(fields)
    ? (fields as readonly (readonly [string, string])[])
    : Object.entries(fields);
  return new URLSearchParams(pairs.map(([name, value]) => [name, value] as [string, string])).toString();
}

export function scene(overrides: PortOverrides = {}, run = RUN): Scene {
  const ports = memoryPorts(overrides);
  const evidence = evidenceOf(ports.evidence, run);
  const catalog = new Catalog();
  const report = emptyReport(run);
  const request = (partial: Partial<GateRequest>) =>
    answer(
      {
        method: "GET",
        path: "/",
        query: "",
        headers: {},
        body: "",
        from: "192.0.2.7",
        origin: "https://gates.example",
        ...partial,
      },
      ports,
      async () => report,
    );
  const get = (path: string, key: string) =>
    request({ path, query: new URLSearchParams({ key }).toString() });
  const post = (path: string, fields: Fields) =>
    request({
      method: "POST",
      path,
      headers: { "content-type": HTML_FORM, origin: "null", "sec-fetch-site": "same-origin" },
      body: encoded(fields),
    });
  return {
    ports,
    evidence,
    catalog,
    report,
    request,
    get,
    post,
    async open(event = {}) {
      const kind = event.kind ?? "readiness";
      const gate = event.gate ?? kind;
      const time = await timeLeft({ gate, kind, minutes: MINUTES }, ports, evidence);
      const until = time?.until ?? "never";
      const whole: OpenGate = { gate, kind, version: null, token: TOKEN, escalation: false, until, ...event };
      await openGate(whole, ports, evidence, catalog.read);
      return linkOf(ports);
    },
    async answerAs(path, key, fields) {
      const shown = shownOn((await get(path, key)).body);
      const ticks = Array.from({ length: 20 }, (_, i) => ["tick", String(i)] as const);
      return post(path, [["key", key], ["shown", shown], ...Object.entries(fields), ...ticks]);
    },
  };
}

/** The decision on an attempt at a gate. */
export function decisionOf(s: Scene, gate = "readiness", attempt = 1): Promise<GateDecisionDoc | undefined> {
  return s.evidence.read(Doc.gateDecision(gate, attempt));
}

/** The link in the newest notice. */
export function linkOf(ports: MemoryPorts): { path: string; key: string; link: string } {
  const link = /^https?:\S+$/m.exec(ports.notices.at(-1)?.text ?? "")?.[0] ?? "";
  const url = new URL(link);
  return { path: url.pathname, key: url.searchParams.get("key") ?? "", link };
}

/** The hash of the page, as its forms carry it; 64 zeros where there is none. */
export function shownOn(body: string): string {
  return /name="shown" value="([0-9a-f]{64})"/.exec(body)?.[1] ?? "0".repeat(64);
}

export const GO = { decision: "Go", by: "Grace Hopper", instance: "orders-prod" } as const;
export const NO_GO = { decision: "NoGo", by: "Grace Hopper", comment: "Not tonight." } as const;
