import { expect, test } from "vitest";
import { inspectOutside } from "../../../lambdas/preflight/inspect-outside.ts";
import { inspectJobs, inspectReplication } from "../../../lambdas/preflight/inspect-sessions.ts";
import { useEmbedded } from "../../support/embedded.ts";
import { memoryPorts } from "../../support/ports.ts";

const session = useEmbedded();
const ports = memoryPorts();

const found = async () => [
  ...(await inspectReplication(session, ports)),
  ...(await inspectJobs(session, ports, () => Promise.reject(new Error("there is no other database")))),
  ...(await inspectOutside(session, ports)),
];

test("a database in which nothing runs by itself and nothing reaches outside passes without a word", async () => {
  expect((await found()).filter(({ passed }) => passed !== true)).toEqual([]);
});

test("publications, event triggers and maintenance are named, each with what people must do", async () => {
  await session.exec(`
    CREATE TABLE note (id int PRIMARY KEY);
    CREATE PUBLICATION changes FOR TABLE note;
    CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM http_get(''x''); END';
    CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION watch();
    ALTER EVENT TRIGGER watching DISABLE;
    CREATE SCHEMA pgagent; CREATE TABLE pgagent.pga_job (jobname text, jobenabled bool);
    INSERT INTO pgagent.pga_job VALUES ('vacuum at night', true), ('off', false)`);
  await session.exec("ALTER EVENT TRIGGER watching ENABLE");
  const named = (await found()).filter(({ passed }) => passed === null);
  expect(named.map(({ name, seen }) => [name, seen])).toEqual([
    ["publications", "changes (1 tables)"],
    ["maintenance", "pgAgent runs vacuum at night"],
    ["routines that reach outside", "watch()"],
    ["event triggers", "watching on ddl_command_end calls watch, which reaches outside"],
  ]);
  for (const { mend } of named) expect(mend).not.toBe("");
});
