import { Option } from "commander";
import { URL_VARIABLE } from "../../local/server/address.ts";

/** The option for a database's URL, by flag or by environment variable. */
export function databaseOption(what: string): Option {
  return new Option("--database-url <url>", what).env(URL_VARIABLE);
}

/** Part of the help of each command that takes a database. */
export const DATABASE_HELP = `
The database:
  postgresql://user@host:port/database?sslmode=...   or service=name of ~/.pg_service.conf
  postgresql:///database?host=/folder/of/its/socket
  Parts that are left out come from where psql takes them: PGHOST, PGUSER, PGSSLMODE and so on; sslmode has the same
  meanings. A password on the command line is visible to every user of this machine. Give it by PGPASSWORD,
  by ~/.pgpass (chmod 600), or put the whole URL into ${URL_VARIABLE}.
`;
