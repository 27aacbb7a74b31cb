import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { describeDifference, differences } from "../../lambdas/proof/difference.ts";
import { ErrorName, SluiceError } from "../../lambdas/shared/errors.ts";
import { requireRow, type Session } from "../../lambdas/shared/session.ts";
import type { Address } from "../server/address.ts";
import { withGuestAt, withSessionAt } from "../server/session.ts";
import { makeHome } from "./home.ts";
import { environmentFor, findPrograms, ProgramFailed, type Programs, run } from "./programs.ts";

const MOST_JOBS = 4;
const MOST_LINES = 10;
/** Errors after the first ones mostly follow from them. */
const MOST_ERRORS = 2;

interface Source {
  create: string;
  version: number;
  bytes: number;
  isLimited: boolean;
  hasCron: boolean;
}

/** $1: the copy's name. Reads the session's own database, for the statement that pg_dump --create would write. */
const SOURCE = `
SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L', $1::text,
         pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), d.datcollate, d.datctype)
       || CASE d.datlocprovider WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', locale)
               || coalesce(format(' ICU_RULES %L', to_jsonb(d) ->> 'daticurules'), '')
               WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', locale) ELSE '' END
       || CASE WHEN t.spcname = 'pg_default' THEN '' ELSE format(' TABLESPACE %I', t.spcname) END AS "create",
       current_setting('server_version_num')::int AS version, pg_database_size(d.oid)::float8 AS bytes,
       (r.rolconnlimit >= 0 OR d.datconnlimit >= 0) AND NOT r.rolsuper AS "isLimited",
       EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') AS "hasCron"
  FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace JOIN pg_roles r ON r.rolname = current_user
       CROSS JOIN LATERAL (SELECT coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') AS locale) AS named
 WHERE d.datname = current_database()`;

/** Makes an empty database for a logical copy, with the original's owner, encoding, locale and tablespace. */
export async function createEmptyLike(address: Address, onServer: Session, to: string): Promise<void> {
  const { create } = await sourceAt(address, to);
  await onServer.exec(create);
}

/**
 * Fills a database by pg_dump and pg_restore, while others use the original. Subscriptions are left out, as they would take
 * over production's slots. So is pg_cron, which only one database of a server can have.
 * @throws SluiceError FleetFailed with the programs' errors, and what to do
 */
export async function fillByDump(address: Address, to: string): Promise<void> {
  const source = await sourceAt(address, to);
  const programs = await programsFor(source);
  const home = await makeHome(source.bytes);
  try {
    const dump = join(home.folder, "dump");
    const jobs = source.isLimited ? 1 : Math.min(MOST_JOBS, availableParallelism());
    await dumpInto(dump, address, programs, { jobs, hasCron: source.hasCron });
    const list = await listOf(dump, programs, source);
    await restoreFrom(dump, { ...address, database: to }, programs, { jobs, list });
  } finally {
    home.remove();
  }
}

/** @throws UsageError if this machine lacks the programs for such a copy */
export async function needPrograms(address: Address): Promise<void> {
  await programsFor(await sourceAt(address, address.database));
}

const programsFor = ({ version }: Source): Promise<Programs> =>
  findPrograms(["pg_dump", "pg_restore"], Math.floor(version / 10_000), { orNewer: true });

const sourceAt = (address: Address, to: string): Promise<Source> =>
  asGuest(address, (session) => requireRow<Source>(session, SOURCE, [to]));

const asGuest = <T>(address: Address, work: (session: Session) => Promise<T>): Promise<T> =>
  withGuestAt(address, { application_name: "sluice" }, {}, work);

async function dumpInto(
  dump: string,
  address: Address,
  { folder }: Programs,
  { jobs, hasCron }: { jobs: number; hasCron: boolean },
): Promise<void> {
  const flags = [
    "--format=directory",
    "--compress=0",
    "--no-subscriptions",
    "--no-password",
    "--lock-wait-timeout=30s",
  ];
  if (hasCron) flags.push("--exclude-table-data=cron.*");
  try {
    await run(
      join(folder, "pg_dump"),
      [...flags, `--jobs=${jobs}`, `--file=${dump}`],
      environmentFor(address),
    );
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    throw new SluiceError(
      ErrorName.FleetFailed,
      `pg_dump could not read ${address.database}: ${cut(error.message)}\nIt reads every table as ${address.user}. That role needs SELECT on each of them, and with row security it must be the tables' owner (without FORCE ROW LEVEL SECURITY) or have BYPASSRLS.`,
      { cause: error },
    );
  }
}

/** A file that lists what to restore. Comments of extensions come with these, and only their owner may write them. */
async function listOf(dump: string, { folder }: Programs, { hasCron }: Source): Promise<string> {
  const { output } = await run(join(folder, "pg_restore"), ["--list", dump], process.env);
  const out = [/^\d+; \d+ \d+ COMMENT - EXTENSION /, ...(hasCron ? CRON : [])];
  const list = `${dump}.list`;
  await writeFile(
    list,
    output
      .split("\n")
      .filter((line) => !out.some((one) => one.test(line)))
      .join("\n"),
  );
  return list;
}

const CRON = [
  /^\d+; \d+ \d+ (?:EXTENSION - pg_cron\b|(?:TABLE DATA|SEQUENCE SET|ACL|POLICY|DEFAULT ACL) cron |ACL - SCHEMA cron )/,
];

async function restoreFrom(
  dump: string,
  copy: Address,
  { folder }: Programs,
  { jobs, list }: { jobs: number; list: string },
): Promise<void> {
  const flags = ["--no-password", `--jobs=${jobs}`, `--use-list=${list}`, `--dbname=${copy.database}`];
  try {
    await run(join(folder, "pg_restore"), [...flags, dump], environmentFor(copy));
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    const errors = errorsIn(error.message);
    if (errors.length > 0)
      throw new SluiceError(
        ErrorName.FleetFailed,
        `pg_restore could not make the whole copy:\n${errors.slice(0, MOST_ERRORS).join("\n")}\n${copy.user} cannot restore objects that only a superuser may make. Run this as a superuser, or use --copy physical.`,
        { cause: error },
      );
  }
}

/** The errors, without the one that an older server does not know a setting which a newer program uses in its session. */
function errorsIn(output: string): string[] {
  const blocks = output.split(/^pg_restore: (?=error:|warning:|while|from)/m).map((block) => block.trim());
  const errors = blocks.filter((block) => block.startsWith("error:"));
  const shown = errors.filter(
    (block) => !/unrecognized configuration parameter "transaction_timeout"/.test(block),
  );
  return errors.length === 0 ? [output] : shown.map(cut);
}

/** Updates the copy's statistics, which a dump does not have. @returns what its catalog lacks compared with the original's, in lines */
export async function notInCopy(address: Address, copy: Address): Promise<string[]> {
  const before = await asGuest(address, (session) => takeFingerprint(session));
  const after = await withSessionAt(copy, {}, async (session) => {
    await session.exec("ANALYZE");
    return await takeFingerprint(session);
  });
  const found = differences(before, after);
  const lines = found.filter((one) => !isLeftOut(one)).map(describeDifference);
  const leftOut = found.some(isLeftOut)
    ? ["Left out of the copy on purpose, with what belongs to it: subscriptions, and pg_cron with its jobs."]
    : [];
  if (lines.length === 0) return leftOut;
  const more = lines.length > MOST_LINES ? [`and ${lines.length - MOST_LINES} more`] : [];
  return [
    ...leftOut,
    `Not in the copy as in ${address.database}: ${[...lines.slice(0, MOST_LINES), ...more].join("; ")}`,
  ];
}

const isLeftOut = ({ kind, name }: { kind: string; name: string }): boolean =>
  (kind === "extension" && name === "pg_cron") ||
  /^cron\.| on cron\./.test(name) ||
  kind.includes("subscription");

const cut = (text: string): string => (text.length > 2000 ? `${text.slice(0, 2000)} ...` : text);
