import { readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { Command } from "commander";
import type { RequestDoc } from "../../lambdas/shared/documents.ts";
import { UsageError } from "../../local/events.ts";
import { print } from "../../local/terminal/streams.ts";
import type { Context } from "./context.ts";
import { OTHER_EXIT_CODES } from "./exit-codes.ts";
import { openReport } from "./open-report.ts";
import { isFolder } from "./plan-folder.ts";

export function reportCommand(context: Context): Command {
  return new Command("report")
    .summary("makes the report of a run again, from its evidence")
    .description(
      "Makes report.json and report.html again from the evidence of a run, and says where they are. Nothing else is needed: no plan, no database. Of a run that still goes on, or was broken off, it says how far it came.",
    )
    .argument("<dir>", "folder with the evidence of one run")
    .option("--open", "opens the report")
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
  const folder = resolve(dir);
  if (!(await isFolder(folder))) throw new UsageError(`There is no folder ${dir}.`);
  const [{ buildReport }, { renderReport }, { evidenceOf }, { fileEvidence }] = await Promise.all([
    import("../../lambdas/report/build.ts"),
    import("../../lambdas/report/page.ts"),
    import("../../lambdas/shared/evidence.ts"),
    import("../../local/file-evidence.ts"),
  ]);
  const run = await runIn(folder);
  const report = await buildReport(evidenceOf(fileEvidence(folder), run));
  const [json, html] = [join(folder, "report.json"), join(folder, "report.html")];
  // They are made from the evidence and are none themselves: a newer one may take their place.
  await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(html, renderReport(report));
  return { json, html };
}

/** Name of the run that this evidence is of. */
async function runIn(folder: string): Promise<string> {
  const read = async (name: string) => await readFile(join(folder, name), "utf8").catch(() => undefined);
  if ((await read("plan.json")) === undefined)
    throw new UsageError(`${folder} holds no evidence of a run: plan.json is not in it.`);
  const request = await read("request.json");
  return request === undefined ? basename(folder) : (JSON.parse(request) as RequestDoc).run;
}
