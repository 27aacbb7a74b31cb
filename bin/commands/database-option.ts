import { Option } from "commander";
import { URL_VARIABLE } from "../../local/server/address.ts";

/** Where a database is, by the flag or by the environment. */
export function databaseOption(what: string): Option {
  return new Option("--database-url <url>", what).env(URL_VARIABLE);
}

/** For the help of each command that takes a database. */
export const DATABASE_HELP = `
The database:
  postgresql://user@host:port/database?sslmode=...   or service=name of ~/.pg_service.conf
  postgresql:///database?host=/folder/of/its/socket
  What is left out is filled up as psql does it: PGHOST, PGUSER, PGSSLMODE and the like; sslmode means what it
  means there. A password in the command's line can be read by any user of this machine. Give it by PGPASSWORD,
  by ~/.pgpass (chmod 600), or put the whole URL into ${URL_VARIABLE}.
`;
