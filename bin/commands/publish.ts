import { existsSync } from "node:fs";
import { Command } from "commander";
import { nameProblem } from "../../lambdas/gate/names.ts";
import { PlanErrors } from "../../lib/plan/plan-error.ts";
import { UsageError } from "../../local/events.ts";
import { print } from "../../local/terminal/streams.ts";
import { DEFAULT_PLAN } from "./check.ts";
import type { Context } from "./context.ts";
import { OTHER_EXIT_CODES } from "./exit-codes.ts";
import { planFolder, problemsOf } from "./plan-folder.ts";

const CDK_FILE = "cdk.json";

interface PublishFlags {
  stack?: string;
  dryRun?: true;
  start?: true;
  database?: string;
  startedBy?: string;
  reason?: string;
}

export function publishCommand({ streams }: Context): Command {
  return new Command("publish")
    .summary("store a plan in the bucket of a deployment")
    .description(
      "Checks a plan as `sluice check` does, stores it by its checksum in the bucket of a deployment, and prints the input that starts a run of it. It deploys nothing, and starts nothing without --start. Publishing the same plan again changes nothing. Each gate shows who published the plan, by the AWS identity.",
    )
    .argument("[dir]", "folder of the plan", DEFAULT_PLAN)
    .option(
      "--stack <name>",
      "the deployment's stack, or stack/id of the construct in it (default: from the settings in cdk.json)",
    )
    .option("--dry-run", "show what would be done, and do nothing")
    .option("--start", "start a run of it")
    .option("--database <name>", "the database of the run, if the deployment has several")
    .option("--started-by <name>", "who starts the run (default: your AWS identity)")
    .option("--reason <text>", "why it is run, for the approvers")
    .addHelpText(
      "after",
      `
Credentials and Region come from where the AWS CLI takes them: AWS_PROFILE, AWS_REGION and so on.

Examples:
  sluice publish my-plan --dry-run
  sluice publish my-plan
  sluice publish my-plan --start --database orders --started-by "Ada Lovelace" --reason "orders need labels"
${OTHER_EXIT_CODES}`,
    )
    .action(async (dir: string, flags: PublishFlags) => {
      const problem = flags.startedBy === undefined ? undefined : nameProblem(flags.startedBy);
      if (problem !== undefined) throw new UsageError(`--started-by ${flags.startedBy}: ${problem}`);
      const loaded = await planFolder(dir);
      const problems = await problemsOf(loaded);
      if (problems.length > 0) throw new PlanErrors(problems);
      const [{ findDeployment }, { publish }, { limitsText }] = await Promise.all([
        import("../../local/deployment.ts"),
        import("../../local/publish.ts"),
        import("../../lib/plan/limits.ts"),
      ]);
      const { stack, region } = await stackOf(flags.stack);
      const { dryRun = false, start = false, database, startedBy, reason } = flags;
      const deployment = await findDeployment(stack, region);
      print(streams.stdout, [
        ...(await publish(loaded.plan, deployment, { dryRun, start, database, startedBy, reason })),
        "",
        ...limitsText(loaded.plan, { databases: deployment.databases.length || 1 }),
      ]);
    });
}

/** @throws UsageError if neither a flag nor cdk.json names the stack */
async function stackOf(given: string | undefined): Promise<{ stack: string; region?: string | undefined }> {
  if (given !== undefined) return { stack: given };
  const [{ parseSettings }, { stackName }, { readCdk }] = await Promise.all([
    import("../../lib/settings.ts"),
    import("../../lib/stack-name.ts"),
    import("../init/cdk-file.ts"),
  ]);
  if (!existsSync(CDK_FILE))
    throw new UsageError(
      `There is no ${CDK_FILE} here, whose settings name the deployment. Call this in the folder of the app, or give --stack.`,
    );
  const settings = parseSettings((await readCdk(CDK_FILE)).settings);
  return { stack: stackName(settings), region: settings.network.lookUp?.region };
}
