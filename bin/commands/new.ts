import { Command } from "commander";
import { UsageError } from "../../local/events.ts";
import { URL_VARIABLE } from "../../local/server/address.ts";
import { print } from "../../local/terminal/streams.ts";
import type { Context } from "./context.ts";
import { DATABASE_HELP } from "./database-option.ts";
import { OTHER_EXIT_CODES } from "./exit-codes.ts";

export function newCommand({ streams }: Context): Command {
  return new Command("new")
    .summary("make a plan that can be rehearsed at once")
    .description(
      "Makes the folder of a plan: a plan.yaml, which may stay this short, and an example migration with its rollback, for you to replace. With --from-database it copies the schema of a database, without its rows, and rehearsals on the embedded PostgreSQL start from it. That database is only read.",
    )
    .argument("<dir>", "folder to make; its last part becomes the plan's name")
    .option(
      "--from-database [url]",
      `the database with the schema that rehearsals start from; without a URL, the one in ${URL_VARIABLE}`,
    )
    .addHelpText(
      "after",
      `${DATABASE_HELP}
Examples:
  sluice new order-labels
  sluice new order-labels --from-database postgresql://me@localhost/shop
  sluice check order-labels
  sluice rehearse --plan order-labels --yes
${OTHER_EXIT_CODES}`,
    )
    .action(async (dir: string, { fromDatabase: given }: { fromDatabase?: string | true }) => {
      const fromDatabase = given === true ? process.env[URL_VARIABLE] : given;
      if (given === true && fromDatabase === undefined)
        throw new UsageError(`--from-database has no URL, and ${URL_VARIABLE} is not set.`);
      const { newPlan } = await import("../../local/new-plan.ts");
      print(streams.stdout, await newPlan(dir, fromDatabase));
    });
}
