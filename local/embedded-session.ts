import { PGlite, type PGliteOptions } from "@electric-sql/pglite";
import { pg_trgm } from "@electric-sql/pglite/contrib/pg_trgm";
import { pgcrypto } from "@electric-sql/pglite/contrib/pgcrypto";
import { uuid_ossp } from "@electric-sql/pglite/contrib/uuid_ossp";
import { vector } from "@electric-sql/pglite-pgvector";
import { type Session, StatementFailed } from "../lambdas/shared/session.ts";

const INT8_OID = 20;
const asText = (value: string) => value;

/** A data directory as initdb leaves it. Making one takes seconds, loading it a fraction of one. */
let empty: Blob | undefined;

// The files are in memory as it is: what is kept of them twice takes time when an instance starts.
const START = [...PGlite.defaultStartParams, "-c", "shared_buffers=32MB"];

/** A new embedded Postgres, in memory; with `data`, from a dump of another's data directory. */
export async function createEmbedded(data: Blob | undefined = empty): Promise<PGlite> {
  const options: PGliteOptions = {
    extensions: { vector, pg_trgm, pgcrypto, uuid_ossp },
    // int8 as text, as node-postgres gives it.
    parsers: { [INT8_OID]: asText },
    startParams: START,
  };
  if (data) return await PGlite.create({ ...options, loadDataDir: data });
  const created = await PGlite.create(options);
  // Nobody makes another database here, and each would be in every dump.
  await created.exec("UPDATE pg_database SET datistemplate = false");
  for (const template of ["template0", "template1"]) await created.exec(`DROP DATABASE ${template}`);
  empty = await created.dumpDataDir("none");
  return created;
}

/** The embedded Postgres as a Session. It has one session only: whoever calls this must be its sole user. */
export function embeddedSession(db: PGlite): Session {
  return {
    async query<Row>(text: string, params: readonly unknown[] = []) {
      const result = await db.query<Row>(text, [...params]);
      return result.rows;
    },
    async exec(text: string) {
      await db.exec(text);
    },
    // It ends with the process that uses it, so that there is nobody to carry on.
    async together(statements) {
      const rows: Record<string, unknown>[][] = [];
      for (const [index, statement] of statements.entries())
        try {
          rows.push((await db.exec(statement))[0]?.rows ?? []);
        } catch (error) {
          throw new StatementFailed(index, error as Error);
        }
      return rows;
    },
  };
}
