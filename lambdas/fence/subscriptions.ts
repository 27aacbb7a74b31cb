import type { Session } from "../shared/session.ts";
import { identifier } from "../shared/sql-text.ts";

/** An enabled subscription of this database. */
export interface Subscription {
  oid: string;
  name: string;
  owner: string;
  publications: string[];
  /** This role may disable it. */
  may: boolean;
}

export async function enabledSubscriptions(session: Session): Promise<Subscription[]> {
  return await session.query<Subscription>(
    `SELECT oid::text, subname AS name, pg_get_userbyid(subowner) AS owner, subpublications AS publications,
            pg_has_role(current_user, subowner, 'USAGE') AS may
       FROM pg_subscription
      WHERE subenabled AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      ORDER BY subname`,
  );
}

/** Does nothing where it is so already, or gone. */
export async function setEnabled(
  session: Session,
  { name }: Pick<Subscription, "name">,
  enabled: boolean,
): Promise<void> {
  const there = await session.query(
    `SELECT FROM pg_subscription
      WHERE subname = $1 AND subenabled <> $2
        AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [name, enabled],
  );
  if (there.length > 0)
    await session.exec(`ALTER SUBSCRIPTION ${identifier(name)} ${enabled ? "ENABLE" : "DISABLE"}`);
}
