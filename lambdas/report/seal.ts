import { Doc } from "../shared/documents.ts";
import { messageOf } from "../shared/errors.ts";
import { evidenceWithin, type RunEvidence } from "../shared/evidence.ts";
import {
  coveredBy,
  MANIFEST_FILE,
  type ManifestDoc,
  manifestText,
  NO_HASH,
  takeManifest,
} from "../shared/manifest.ts";
import { sha256 } from "../shared/sha256.ts";
import { reportOf } from "./build.ts";
import { gatherFacts } from "./facts.ts";
import { renderReport } from "./page.ts";

/** The report's files, as they are once the manifest's hash is in place. */
export interface ReportFiles {
  json: string;
  html: string;
}

/** The report of those files alone, with that hash in it. */
export async function reportFilesOf(
  evidence: RunEvidence,
  files: Iterable<string>,
  manifest: string | null,
): Promise<ReportFiles> {
  const facts = await gatherFacts(evidenceWithin(evidence, files));
  const report = reportOf({ ...facts, manifest });
  return { json: `${JSON.stringify(report, null, 2)}\n`, html: renderReport(report) };
}

/**
 * Writes the manifest and then the report, which shows the manifest's hash. Done twice, the report is made of the same
 * files as the first time, whatever has been written since.
 * @returns what kept the report from being made; the manifest is then without it
 */
export async function seal(evidence: RunEvidence, at: string): Promise<string | undefined> {
  const before = await evidence.read<ManifestDoc>(Doc.manifest);
  const names = before ? coveredBy(before) : await evidence.files();
  let problem: string | undefined;
  const unsealed = await reportFilesOf(evidence, names, NO_HASH).catch((error: unknown) => {
    problem = messageOf(error);
    return undefined;
  });
  if (!before) {
    const reports = unsealed
      ? [
          { name: "report.html", sha256: sha256(unsealed.html) },
          { name: "report.json", sha256: sha256(unsealed.json) },
        ]
      : [];
    const manifest = await takeManifest(evidence, names, at, reports);
    await evidence.keepFile(MANIFEST_FILE, manifestText(manifest), "application/json");
  }
  const hash = sha256((await evidence.readFile(MANIFEST_FILE)) ?? "");
  if (!unsealed) return problem;
  const sealed = (text: string) => text.replaceAll(NO_HASH, hash);
  try {
    await evidence.keepFile("report.json", sealed(unsealed.json), "application/json");
    await evidence.keepFile("report.html", sealed(unsealed.html), "text/html; charset=utf-8");
  } catch (error) {
    return messageOf(error);
  }
  return undefined;
}
