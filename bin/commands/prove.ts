import { Command } from "commander";
import { plainJson } from "../../lambdas/shared/text.ts";
import { UsageError } from "../../local/events.ts";
import { addressIn } from "../../local/server/address.ts";
import { print, printPainted } from "../../local/terminal/streams.ts";
import type { Context } from "./context.ts";
import { DATABASE_HELP, databaseOption } from "./database-option.ts";
import { evidenceIn, fromEvidence } from "./evidence-folder.ts";
import { NOT_BACK, PROVE_EXIT_CODES } from "./exit-codes.ts";

export function proveCommand({ streams: { stdout, stderr }, exit }: Context): Command {
  return new Command("prove")
    .summary("show whether a database is what production was before a run")
    .description(
      "Compares the catalog and contents of a database with the record of production from before the first migration, as the run itself does to prove that production is back. Use it after you have brought a database back by hand. It only reads.",
    )
    .argument("<dir>", "folder with the evidence of that run")
    .addOption(
      databaseOption(
        "the database to prove; the role must own its tables, or may read every row of them",
      ).makeOptionMandatory(),
    )
    .option("--json", "print what was found as JSON")
    .addHelpText(
      "after",
      `${DATABASE_HELP}
Examples:
  aws s3 sync s3://BUCKET/runs/RUN evidence
  sluice prove evidence --database-url postgresql://owner@host/app
${PROVE_EXIT_CODES}`,
    )
    .action(async (dir: string, { databaseUrl, json = false }: { databaseUrl: string; json?: boolean }) => {
      const address = addressIn(databaseUrl);
      const { folder, evidence } = await evidenceIn(dir);
      const [{ proveByHand }, { withGuestAt }] = await Promise.all([
        import("../../local/prove.ts"),
        import("../../local/server/session.ts"),
      ]);
      const proven = await withGuestAt(
        address,
        { application_name: "sluice prove" },
        // A statement_timeout of the role must not end a checksum.
        {
          statement_timeout: 0,
          transaction_timeout: 0,
          idle_in_transaction_session_timeout: 0,
          client_min_messages: "error",
        },
        (session) =>
          fromEvidence(
            evidence,
            folder,
            (from) => proveByHand(from, session, (table) => print(stderr, [`Reading ${table}`])),
            false,
          ),
      );
      if (!proven)
        throw new UsageError(
          `Run ${evidence.run} has no record of production: it changed nothing there, so there is nothing to compare with.`,
        );
      const { recordedAt, tables, read, differences, left, scope, withoutVersions } = proven;
      const back = differences.length === 0;
      if (json) {
        printPainted(stdout, [plainJson({ back, ...proven }, 2)]);
        return back ? undefined : exit(NOT_BACK);
      }
      const { scopeInWords } = await import("../../lambdas/proof/scope.ts");
      const exceptions = left.length === 0 ? "" : `, except for ${left.join(", ")}`;
      if (back) {
        print(stdout, [
          `Back: catalog and ${tables} tables are what they were at ${recordedAt}${exceptions}. ${read} of them were read; row versions show that the others were not touched.`,
          scopeInWords(scope),
        ]);
        return;
      }
      print(stdout, [
        `NOT back: the database differs from the record of ${recordedAt}.`,
        ...differences.map((line) => `  ${line}`),
        ...(withoutVersions === null
          ? []
          : [
              `Row versions were not used: ${withoutVersions}. So only those tables are proven whose contents the run recorded: tables that the rehearsal touched, or that the plan names under \`contents\`.`,
            ]),
      ]);
      exit(NOT_BACK);
    });
}
