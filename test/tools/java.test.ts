import { delimiter, join } from "node:path";
import { agrees, down, numbersIn, up, upTo } from "./agrees.ts";
import { installed } from "./install.ts";
import type { Place } from "./place.ts";

const { java } = await installed();
const classPath = ["-cp", [join(java, "*"), java].join(delimiter)];
const jdbc = ({ server, database }: Place) => `jdbc:postgresql://${server.host}/${database}`;

agrees({
  tool: "flyway",
  write: (at, count) =>
    Promise.all(upTo(count).map((n) => at.write(`V${n}__made_it.sql`, `${up(n)}\n-- é\n`))),
  up: (at) => flyway(at, "migrate"),
  applied: async (at) => numbersIn(await flyway(at, "info"), /^SUCCESS V(\d)__made_it/),
  validate: (at) => flyway(at, "validate"),
  differs: ["installed_on", "execution_time"],
});
const flyway = (at: Place, what: string) =>
  at.run("java", [...classPath, "FlywayTool", what, jdbc(at), at.user, at.folder]);

agrees({
  tool: "liquibase",
  write: (at, count) =>
    at.write(
      "changes.sql",
      [
        "--liquibase formatted sql",
        ...upTo(count).map((n) => `--changeset ann:${n}\n${up(n)}\n--rollback ${down(n)}`),
      ].join("\n"),
    ),
  up: (at) => liquibase(at, "update"),
  applied: async (at, count) => {
    const pending = numbersIn(await liquibase(at, "status", "--verbose"), /^\s+changes\.sql::(\d)::ann/);
    return upTo(count).filter((n) => !pending.includes(n));
  },
  validate: (at) => liquibase(at, "validate"),
  // It does not ask which version of it wrote a row.
  differs: ["dateexecuted", "deployment_id", "liquibase", "md5sum"],
  fills: "md5sum",
});
const liquibase = (at: Place, ...what: string[]) =>
  at.run("java", [
    ...classPath,
    "liquibase.integration.commandline.LiquibaseCommandLine",
    "--changelog-file=changes.sql",
    `--url=${jdbc(at)}`,
    `--username=${at.user}`,
    "--password=none",
    "--headless=true",
    "--log-level=off",
    ...what,
  ]);
