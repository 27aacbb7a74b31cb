import { describeDifference, differences, movedInWords } from "../proof/difference.ts";
import { keptFingerprint, type StandingCatalog, standingCatalog } from "../proof/stored-record.ts";
import { CHAIN, documentsOf } from "../shared/chain.ts";
import { Doc, type GateDoc, type ShownDocuments } from "../shared/documents.ts";
import type { RunEvidence } from "../shared/evidence.ts";
import type { GateKind } from "../shared/gates.ts";
import { applicationRoles, withTarget } from "../shared/places.ts";
import type { Ports } from "../shared/ports.ts";
import { sha256 } from "../shared/sha256.ts";
import { shownDocumentsDoc } from "./approvals.ts";

export type ReadCatalog = (ports: Ports, evidence: RunEvidence) => Promise<StandingCatalog>;

export const readProduction: ReadCatalog = (ports, evidence) =>
  withTarget(ports, evidence, "production", (session) =>
    standingCatalog(session, evidence, applicationRoles(ports)),
  );

/** Everything a Go is bound to, in full. The gate's document holds its hashes. */
interface Basis {
  hashes: GateDoc["basis"];
  /** Null: the gate does not depend on the catalog. */
  catalog: StandingCatalog | null;
  documents: ShownDocuments;
}

// At the other gates, production's catalog is untouched (readiness), in use (keep) or known to be wrong (restore).
const ABOUT_THE_CATALOG: readonly GateKind[] = ["rehearsal", "after", "open"];

export async function takeBasis(
  kind: GateKind,
  ports: Ports,
  evidence: RunEvidence,
  readCatalog: ReadCatalog,
): Promise<Basis> {
  const catalog = ABOUT_THE_CATALOG.includes(kind) ? await readCatalog(ports, evidence) : null;
  const documents = await shownDocuments(evidence);
  return {
    hashes: {
      fingerprint: catalog?.doc.hash ?? null,
      planChecksum: ports.plan.checksum,
      report: sha256(JSON.stringify(documents)),
    },
    catalog,
    documents,
  };
}

const fingerprintName = (gate: string, attempt: number) => `gate-${gate}-${attempt}`;

/** Stores the basis in full, so that a later difference can be reported object by object. */
export async function keepBasis(evidence: RunEvidence, gate: string, attempt: number, basis: Basis) {
  if (basis.catalog)
    await evidence.createOnce(Doc.fingerprint(fingerprintName(gate, attempt)), basis.catalog.doc);
  await evidence.createOnce(shownDocumentsDoc(gate, attempt), basis.documents);
}

/** Returns what has changed since the gate opened, as lines of text; empty when a Go still stands. */
export async function changesSince(doc: GateDoc, now: Basis, evidence: RunEvidence): Promise<string[]> {
  const changes: string[] = [];
  if (now.hashes.fingerprint !== doc.basis.fingerprint) {
    const before = await keptFingerprint(evidence, fingerprintName(doc.gate, doc.attempt));
    const is = await now.catalog?.whole();
    changes.push(
      "Production's catalog has changed:",
      ...fewLines(
        is ? [...differences(before, is).map(describeDifference), ...movedInWords(before, is)] : [],
      ),
    );
  }
  if (now.hashes.report !== doc.basis.report) {
    const before = await evidence.read(shownDocumentsDoc(doc.gate, doc.attempt));
    changes.push(
      "The evidence behind the page has changed:",
      ...documentChanges(before ?? {}, now.documents),
    );
  }
  return changes;
}

function documentChanges(before: ShownDocuments, now: ShownDocuments): string[] {
  return [
    ...Object.keys(now)
      .filter((name) => !(name in before))
      .map((name) => `${name} is new`),
    ...Object.keys(before)
      .filter((name) => !(name in now))
      .map((name) => `${name} is gone`),
    ...Object.keys(now)
      .filter((name) => name in before && before[name] !== now[name])
      .map((name) => `${name} has changed`),
  ];
}

// The page must stay readable. The evidence has both sides in full.
const MOST_LINES = 20;

function fewLines(lines: readonly string[]): string[] {
  const more = lines.length - MOST_LINES;
  return more > 0 ? [...lines.slice(0, MOST_LINES), `and ${more} more`] : [...lines];
}

// Gates and states are written while a gate is open. Failures belong to attempts that were retried. The records already
// hold the hashes of the catalogs. The chain counts up to its newest link that holds documents.
const NOT_SHOWN = /^(gates|states|failures|fingerprints|catalogs|chain|leases)\//;
const DOCUMENT = /\.json$/;

async function shownDocuments(evidence: RunEvidence): Promise<ShownDocuments> {
  const tags = [...(await evidence.tags())];
  const shown = tags.filter(([file]) => DOCUMENT.test(file) && !NOT_SHOWN.test(file));
  const links = tags.filter(([file]) => file.startsWith(CHAIN));
  const holding = links.slice(0, await newestWithDocuments(evidence, links));
  return {
    ...Object.fromEntries(shown.map(([file, tag]) => [file.replace(DOCUMENT, ""), tag])),
    ...(holding.length > 0 ? { [`${CHAIN}...`]: sha256(JSON.stringify(holding)) } : {}),
  };
}

const READ_AT_ONCE = 8;

/** Number of links up to the newest that holds documents. Links added by visits to a gate's page hold none. */
async function newestWithDocuments(
  evidence: RunEvidence,
  links: readonly (readonly [file: string, tag: string])[],
): Promise<number> {
  for (let end = links.length; end > 0; end -= READ_AT_ONCE) {
    const some = links.slice(Math.max(0, end - READ_AT_ONCE), end);
    const texts = await Promise.all(some.map(([file]) => evidence.readFile(file)));
    const last = texts.findLastIndex((text) => text !== undefined && documentsOf(text));
    if (last !== -1) return end - some.length + last + 1;
  }
  return 0;
}

/** Where the approver read the gate: its page or a terminal. The text is stored under its SHA-256. */
type ShownOn = "page" | "terminal";

const ENDINGS: Readonly<Record<ShownOn, { ending: string; type: string }>> = {
  page: { ending: "html", type: "text/html; charset=utf-8" },
  terminal: { ending: "txt", type: "text/plain; charset=utf-8" },
};

type Attempt = Pick<GateDoc, "gate" | "attempt">;

const shownFile = ({ gate, attempt }: Attempt, shown: string, on: ShownOn) =>
  `gates/${gate}-${attempt}/shown-${shown.slice(0, 16)}.${ENDINGS[on].ending}`;

/** Stores the text that the approver saw. @returns its SHA-256, in hex */
export async function keepShown(
  evidence: RunEvidence,
  attempt: Attempt,
  text: string,
  on: ShownOn,
): Promise<string> {
  const shown = sha256(text);
  await evidence.keepFile(shownFile(attempt, shown, on), text, ENDINGS[on].type);
  return shown;
}

/** Returns where the text with this SHA-256 was shown; undefined: nowhere. */
export async function shownOn(
  evidence: RunEvidence,
  attempt: Attempt,
  shown: string,
): Promise<ShownOn | undefined> {
  if (!/^[0-9a-f]{64}$/.test(shown)) return undefined;
  for (const on of ["page", "terminal"] as const) {
    const text = await evidence.readFile(shownFile(attempt, shown, on));
    if (text !== undefined && sha256(text) === shown) return on;
  }
  return undefined;
}

/** Returns the text of a gate as the terminal shows it, for the evidence. The report has the facts beside it. */
export function terminalText(doc: GateDoc): string {
  return [
    `Gate ${doc.gate}, attempt ${doc.attempt}: ${doc.question}`,
    ...(doc.warnings ?? []).map((line) => `First: ${line}`),
    ...doc.changed.map((line) => `Changed: ${line}`),
    ...doc.checklist.map((item) => `Required for a Go: ${item}`),
    `Go: ${doc.go}`,
    `No-Go: ${doc.noGo}`,
    "",
  ].join("\n");
}
