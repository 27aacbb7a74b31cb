// Postgrator is a library without a command: migrates a folder to the newest version, and prints which it stands at.
import pg from "pg";
import Postgrator from "postgrator";

const [, , connectionString, folder, what] = process.argv;
const client = new pg.Client({ connectionString });
await client.connect();
const postgrator = new Postgrator({
  migrationPattern: `${folder}/*`,
  driver: "pg",
  schemaTable: "schemaversion",
  execQuery: (query) => client.query(query),
});
if (what === "migrate") await postgrator.migrate();
process.stdout.write(`${await postgrator.getDatabaseVersion()}\n`);
await client.end();
