import { join } from "node:path";
import { Command } from "commander";
import { print } from "../../local/terminal/streams.ts";
import type { Context } from "./context.ts";
import { evidenceIn, fromEvidence } from "./evidence-folder.ts";
import { OTHER_EXIT_CODES } from "./exit-codes.ts";
import { openReport } from "./open-report.ts";
import { replaceFile } from "./replace-file.ts";

export function reportCommand(context: Context): Command {
  return new Command("report")
    .summary("make the report of a run again, from its evidence")
    .description(
      "Makes report.json and report.html again from the evidence of a run, and prints where they are. It needs no plan and no database. If the run is still under way, or was broken off, the report shows how far it came.",
    )
    .argument("<dir>", "folder with the evidence of one run")
    .option("--open", "open the report")
    .addHelpText(
      "after",
      `
Examples:
  sluice report .sluice/runs/rehearsal-20261103-021405-a1b2c3
  aws s3 sync s3://BUCKET/runs/RUN evidence && sluice report evidence
${OTHER_EXIT_CODES}`,
    )
    .action(async (dir: string, { open = false }: { open?: boolean }) => {
      const { json, html } = await reportAgain(dir);
      print(context.streams.stdout, [json, html]);
      if (open) await openReport(html, context);
    });
}

async function reportAgain(dir: string): Promise<{ json: string; html: string }> {
  const { folder, evidence } = await evidenceIn(dir);
  const [{ buildReport }, { renderReport }] = await Promise.all([
    import("../../lambdas/report/build.ts"),
    import("../../lambdas/report/page/page.ts"),
  ]);
  const made = await fromEvidence(evidence, folder, async (from) => {
    const report = await buildReport(from);
    return { json: `${JSON.stringify(report, null, 2)}\n`, html: renderReport(report) };
  });
  const [json, html] = [join(folder, "report.json"), join(folder, "report.html")];
  // A newer report may replace them: they are made from the evidence, and are no evidence themselves.
  await replaceFile(json, made.json);
  await replaceFile(html, made.html);
  return { json, html };
}
