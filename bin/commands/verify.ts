import { lstat, readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { Command } from "commander";
import { isRunName } from "../../lambdas/gate/link.ts";
import type { RunEvidence } from "../../lambdas/shared/evidence.ts";
import { plainJson } from "../../lambdas/shared/text.ts";
import { UsageError } from "../../local/events.ts";
import { print, printPainted } from "../../local/terminal/streams.ts";
import type { Verified } from "../../local/verify/verify.ts";
import type { Context } from "./context.ts";
import { NOT_WHOLE, VERIFY_EXIT_CODES } from "./exit-codes.ts";
import { needFolder } from "./plan-folder.ts";

export function verifyCommand(context: Context): Command {
  return new Command("verify")
    .summary("show whether the evidence of a run is what the run wrote")
    .description(
      "Compares a folder of evidence with its manifest and its chain. It reports that the folder is whole, or what was changed, added, removed, swapped, renamed or cut off. It makes the verdict again from the folder, whatever its report states. It changes nothing.",
    )
    .argument("<dir>", "folder with the evidence of one run")
    .option("--hash <sha256>", "the manifest's hash, from the final message, the report or the terminal")
    .option("--json", "print what was found as JSON")
    .addHelpText(
      "after",
      `
Without --hash it can only show that the folder is consistent: a person who may
write to all of it can make it so. Take the hash from a place that this person cannot change.

Examples:
  sluice verify .sluice/runs/rehearsal-20261103-021405-a1b2c3
  aws s3 sync s3://BUCKET/runs/RUN evidence && sluice verify evidence --hash 3f5a...
${VERIFY_EXIT_CODES}`,
    )
    .action(async (dir: string, { hash, json = false }: { hash?: string; json?: boolean }) => {
      const given = hash?.trim().toLowerCase();
      if (given !== undefined && !/^[0-9a-f]{64}$/.test(given))
        throw new UsageError("--hash must be the 64 hexadecimal digits of a SHA-256.");
      const { folder, evidence } = await evidenceToVerify(dir);
      const { verifyEvidence } = await import("../../local/verify/verify.ts");
      const verified = await verifyEvidence(folder, evidence, given);
      if (json)
        printPainted(context.streams.stdout, [
          plainJson({ whole: verified.findings.length === 0, byHash: given !== undefined, ...verified }, 2),
        ]);
      else print(context.streams.stdout, verifiedText(verified, given !== undefined));
      if (verified.findings.length > 0) context.exit(NOT_WHOLE);
    });
}

/** Accepts any folder with something of a run in it, damaged or not: the findings report what is wrong. */
async function evidenceToVerify(dir: string): Promise<{ folder: string; evidence: RunEvidence }> {
  const folder = resolve(dir);
  await needFolder(dir, "give the folder with the evidence of a run");
  const [{ evidenceOf }, { fileEvidence }] = await Promise.all([
    import("../../lambdas/shared/evidence.ts"),
    import("../../local/file-evidence.ts"),
  ]);
  const names = await readdir(folder);
  if (!["manifest.json", "plan.json", "request.json", "chain"].some((name) => names.includes(name)))
    throw new UsageError(`${folder} holds no evidence of a run.`);
  for (const file of ["manifest.json", "request.json"]) {
    const run = await runNamedIn(join(folder, file));
    if (run !== undefined) return { folder, evidence: evidenceOf(fileEvidence(folder), run) };
  }
  return { folder, evidence: evidenceOf(fileEvidence(folder), basename(folder)) };
}

async function runNamedIn(path: string): Promise<string | undefined> {
  try {
    // Reading a pipe in its place would wait without end.
    if (!(await lstat(path)).isFile()) return undefined;
    const { run } = JSON.parse(await readFile(path, "utf8")) as { run?: unknown };
    return typeof run === "string" && isRunName(run) ? run : undefined;
  } catch {
    return undefined;
  }
}

function verifiedText({ findings, covered, after, manifest, verdict }: Verified, byHash: boolean): string[] {
  const whole = byHash
    ? `Whole: ${covered} files are what the run wrote, by the manifest with the given hash.`
    : `Consistent: ${covered} files are as the manifest beside them states. A person who may write to the folder can make it so; --hash compares it with the run's final message.`;
  return [
    findings.length === 0
      ? whole
      : `NOT WHOLE: ${findings.length === 1 ? "one thing differs" : `${findings.length} things differ`} from what the run wrote.`,
    ...findings.map((line) => `  ${line}`),
    ...(manifest === null ? [] : [`Manifest  ${manifest}`]),
    ...(verdict
      ? [
          `Verdict   ${verdict.title}${verdict.criteria > 0 ? `; ${verdict.met} of ${verdict.criteria} success criteria met` : ""} (made again from the folder)`,
        ]
      : []),
    ...(after.length === 0
      ? []
      : [
          `After the end ${after.length === 1 ? "one file was" : `${after.length} files were`} written, such as readings of the watch. The hash does not cover them; the chain does.`,
        ]),
  ];
}
