import { enabledSubscriptions } from "../fence/subscriptions.ts";
import { nameInSql } from "../shared/name-in-sql.ts";
import type { Ports, PreflightCheck } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { inspected } from "./inspected.ts";
import { none, note, problem } from "./note.ts";

/** What comes into this database by replication, and what goes out of it. */
export async function inspectReplication(session: Session, ports: Ports): Promise<PreflightCheck[]> {
  return [
    ...(await inspected("subscriptions", () => subscriptions(session, ports))),
    ...(await inspected("replication slots", () => slots(session))),
    ...(await inspected("publications", () => publications(session))),
  ];
}

async function subscriptions(session: Session, { settings }: Ports): Promise<PreflightCheck> {
  const name = "subscriptions";
  const here = await enabledSubscriptions(session);
  const elsewhere = await session.query<{ text: string }>(
    `SELECT format('%s in database %s', quote_ident(subname), quote_ident(datname)) AS text
       FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
      WHERE subenabled AND datname <> current_database() ORDER BY 1`,
  );
  const named = here.map(
    ({ name: sub, owner, publications: of }) => `${nameInSql(sub)} of ${owner}, to ${of.join(", ")}`,
  );
  const pglogical = await replicatedByExtension(session);
  const all = [...named, ...elsewhere.map(({ text }) => text), ...pglogical];
  if (all.length === 0) return none(name, "none enabled");
  const fixed = here.filter(({ may }) => !may);
  if (fixed.length > 0 && settings.fence === "connect")
    return problem(
      name,
      "none that the fence cannot disable",
      fixed.map(({ name: sub, owner }) => `${nameInSql(sub)} of ${owner}`),
      `They would write behind the fence, and after a restore the publisher would not send again what was applied since the snapshot. ${fixed
        .map(
          ({ name: sub, owner }) =>
            `As ${owner}: ALTER SUBSCRIPTION ${nameInSql(sub)} DISABLE; after the run: ENABLE.`,
        )
        .join(" ")}`,
    );
  const fenced =
    here.length === 0
      ? ""
      : settings.fence === "connect"
        ? "The fence disables those of this database and enables them again; until then the publisher keeps what comes, on its disk. "
        : "With fence: none they go on, and a restore loses what they applied since the snapshot. ";
  const others =
    elsewhere.length === 0
      ? ""
      : "Those of other databases go on: a restore takes them back to the snapshot, too, and their publishers do not send again what was applied since. Disable them for the window. ";
  const byExtension =
    pglogical.length === 0
      ? ""
      : "Those of an extension the fence does not stop: disable them for the window, such as by pglogical.alter_subscription_disable. ";
  return note(name, "none enabled", all, `${fenced}${others}${byExtension}On staging none is at work.`);
}

/** Extensions that replicate by workers of their own. */
async function replicatedByExtension(session: Session): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT extname AS name FROM pg_extension WHERE extname IN ('pglogical', 'spock', 'pgactive', 'bdr') ORDER BY 1`,
  );
  return rows.map(({ name }) => `whatever ${name} replicates`);
}

async function slots(session: Session): Promise<PreflightCheck> {
  const rows = await session.query<{ text: string }>(
    `SELECT format('%s (%s, %s)', slot_name, plugin, CASE WHEN active THEN 'read now' ELSE 'not read now' END) AS text
       FROM pg_replication_slots WHERE slot_type = 'logical' AND database = current_database() ORDER BY slot_name`,
  );
  if (rows.length === 0) return none("replication slots");
  return note(
    "replication slots",
    "none",
    rows.map(({ text }) => text),
    "Somebody reads every change of this database (CDC, AWS DMS, a blue/green deployment, a subscriber): they get what the migrations write, and no DDL. Agree with them what becomes of it. No restore brings a slot back: after one they must begin anew.",
  );
}

async function publications(session: Session): Promise<PreflightCheck> {
  const rows = await session.query<{ text: string }>(
    `SELECT format('%s (%s)', quote_ident(pubname), CASE WHEN puballtables THEN 'all tables'
              ELSE (SELECT count(*) FROM pg_publication_tables t WHERE t.pubname = p.pubname) || ' tables' END) AS text
       FROM pg_publication p ORDER BY pubname`,
  );
  if (rows.length === 0) return none("publications");
  return note(
    "publications",
    "none",
    rows.map(({ text }) => text),
    "Subscribers get rows and no DDL: one whose tables lack a new column stops with an error. Change the subscribers' tables first, and back after a rollback.",
  );
}
