import { messageOf } from "../shared/errors.ts";
import { type CompiledPlan, stepFiles } from "../shared/plan.ts";
import { type Session, withTransaction } from "../shared/session.ts";
import { identifier } from "../shared/sql-text.ts";
import { NOBODY } from "../shared/statement-error.ts";

/** Wrappers whose mappings name their login in the option `user`. Mappings of all other wrappers are dropped. */
const BY_USER = ["postgres_fdw", "dblink_fdw"];

interface Mapping {
  /** Null: PUBLIC. */
  role: string | null;
  server: string;
  wrapper: string;
}

export interface Disarmed {
  /** Disarmed mappings, such as `app on server billing`. */
  useless: string[];
  /** Mappings that this role cannot change, each with the server's error. */
  left: string[];
}

/**
 * Makes every user mapping of a copy useless, so that nothing on the copy reaches another database. Nothing is given
 * back, because the copy is dropped. Mappings are kept if possible, because a migration may change or drop them.
 */
export async function disarmMappings(session: Session): Promise<Disarmed> {
  const mappings = await session.query<Mapping>(
    `SELECT CASE WHEN m.umuser <> 0 THEN m.usename END AS role, m.srvname AS server, w.fdwname AS wrapper
       FROM pg_user_mappings m JOIN pg_foreign_server s ON s.oid = m.srvid
            JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
      ORDER BY 2, 1`,
  );
  const done: Disarmed = { useless: [], left: [] };
  for (const mapping of mappings) {
    const refused = await disarm(session, mapping);
    const what = mappingText(mapping);
    if (refused === undefined) done.useless.push(what);
    else done.left.push(`${what} (${refused})`);
  }
  return done;
}

/** Returns the server's error; undefined: the mapping is useless now. */
async function disarm(session: Session, { role, server, wrapper }: Mapping): Promise<string | undefined> {
  const of = `USER MAPPING FOR ${role === null ? "PUBLIC" : identifier(role)} SERVER ${identifier(server)}`;
  const ways = [
    ...(BY_USER.includes(wrapper)
      ? ["SET", "ADD"].map((verb) => `ALTER ${of} OPTIONS (${verb} user '${NOBODY}')`)
      : []),
    `DROP ${of}`,
  ];
  let refused: string | undefined;
  for (const way of ways)
    try {
      await withTransaction(session, () => session.exec(way));
      return undefined;
    } catch (error) {
      refused = messageOf(error);
    }
  return refused;
}

export function mappingText({ role, server }: Pick<Mapping, "role" | "server">): string {
  return `${role ?? "PUBLIC"} on server ${server}`;
}

/** Returns the steps and tasks that declare to act outside the database. For them mappings stay usable on copies. */
export function outsideAllowed({ migrations, stagingData, afterOpening }: CompiledPlan): string[] {
  const files = [...migrations.flatMap(stepFiles), ...stagingData];
  return [
    ...files.flatMap(({ path, steps }) =>
      steps.filter(({ outside }) => outside).map(({ name, line }) => `${path}:${line} "${name}"`),
    ),
    ...afterOpening.filter(({ outside }) => outside).map(({ title }) => `afterOpening "${title}"`),
  ];
}
