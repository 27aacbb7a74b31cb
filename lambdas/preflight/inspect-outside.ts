import { mappingText, outsideAllowed } from "../fence/disarm.ts";
import { REACHING_TEXT } from "../shared/outside.ts";
import { type CompiledPlan, type Step, stepFiles } from "../shared/plan.ts";
import type { Ports, PreflightCheck } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { relationName } from "../shared/sql-text.ts";
import { IS_USERS_SCHEMA } from "../shared/user-objects.ts";
import { inspected, none, note, problem } from "./inspected.ts";

const SERVERS = "foreign servers";
const ROUTINES = "routines that reach outside";
const TRIGGERS = "event triggers";
/** Name of the check that a gate shows first. */
export const OUTSIDE_STEPS = "steps that reach outside";
const MARK = "outside: allowed";

/** Finds ways in which this database could reach external systems from a copy. */
export async function inspectOutside(session: Session, { plan }: Ports): Promise<PreflightCheck[]> {
  return [
    ...(await inspected(SERVERS, () => foreignServers(session, plan))),
    ...(await inspected(ROUTINES, () => routines(session))),
    ...(await inspected(TRIGGERS, () => eventTriggers(session))),
    ...(await inspected(OUTSIDE_STEPS, () => steps(session, plan))),
  ];
}

interface MappingRow {
  role: string | null;
  server: string;
  /** SQL that would allow this role to change the mapping. */
  helps: string;
  /** This role may alter or drop it. */
  may: boolean;
  /** A step could use it: it is for PUBLIC, for this role, or for a role that this role may become. */
  within: boolean;
}

async function foreignServers(session: Session, plan: CompiledPlan): Promise<PreflightCheck> {
  const servers = await session.query<{ text: string }>(
    `SELECT format('%s (%s, %s foreign tables)', quote_ident(srvname), fdwname,
              (SELECT count(*) FROM pg_foreign_table t WHERE t.ftserver = s.oid)) AS text
       FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw ORDER BY srvname`,
  );
  if (servers.length === 0) return none(SERVERS);
  const mappings = await session.query<MappingRow>(
    `SELECT CASE WHEN m.umuser <> 0 THEN m.usename END AS role, m.srvname AS server,
            -- A superuser's server changes its owner: nobody should grant a superuser's rights.
            CASE WHEN (SELECT rolsuper FROM pg_roles WHERE oid = s.srvowner)
                 THEN format('ALTER SERVER %I OWNER TO %I;', s.srvname, current_user)
                 ELSE format('GRANT %I TO %I;', pg_get_userbyid(s.srvowner), current_user) END AS helps,
            pg_has_role(s.srvowner, 'USAGE')
              OR (m.umuser <> 0 AND m.usename = current_user AND has_server_privilege(s.oid, 'USAGE')) AS may,
            m.umuser = 0 OR m.usename = current_user
              OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = m.umuser AND NOT r.rolsuper AND pg_has_role(r.oid, 'MEMBER')) AS within
       FROM pg_user_mappings m JOIN pg_foreign_server s ON s.oid = m.srvid ORDER BY 2, 1`,
  );
  const allowed = outsideAllowed(plan).length > 0;
  const fixed = mappings.filter(({ may, within }) => !may && within);
  if (fixed.length > 0 && !allowed) {
    const helps = [...new Set(fixed.map(({ helps }) => helps))].join(" ");
    return problem(
      SERVERS,
      "user mappings that can be disabled on copies",
      fixed.map(mappingText),
      `A rehearsal could reach the real server through them: only a superuser or the server's owner may change them. As a superuser: ${helps}`,
    );
  }
  const others = mappings.filter(({ may }) => !may);
  const kept =
    others.length > 0 && !allowed
      ? ` These stay enabled, because this role may not change them: ${others.map(mappingText).join(", ")}. What these roles own (views, SECURITY DEFINER functions) still reaches the server from a copy.`
      : "";
  return note(
    SERVERS,
    "none",
    servers.map(({ text }) => text),
    allowed
      ? `The plan has a step that is marked \`${MARK}\`: all user mappings stay in place on copies, and a rehearsal reaches these servers as production would.`
      : `On copies all user mappings are disabled before a step runs. A step that needs one fails there, unless it is marked \`${MARK}\`.${kept} Wrappers that need no mapping (files, programs) are not blocked.`,
  );
}

/**
 * SQL condition: whether this text of SQL reaches external systems by itself, which a copy cannot prevent. Comments
 * are ignored.
 */
const TEXT_REACHES = (text: string) =>
  `regexp_replace(regexp_replace(${text}, '--[^\\n]*', '', 'g'), '/\\*.*?\\*/', '', 'g') ~* $1`;
/** The same condition for a row of pg_proc; a routine with a SQL body has no source text. */
const REACHES = (routine: string) =>
  TEXT_REACHES(`coalesce(pg_get_function_sqlbody(${routine}.oid), ${routine}.prosrc)`);

async function routines(session: Session): Promise<PreflightCheck> {
  const rows = await session.query<{ text: string }>(
    `SELECT format('%s%s', p.oid::regprocedure,
              (SELECT ' (by trigger ' || string_agg(format('%I on %s', t.tgname, t.tgrelid::regclass), ', ' ORDER BY t.tgname) || ')'
                 FROM pg_trigger t WHERE t.tgfoid = p.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D')) AS text
       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE ${IS_USERS_SCHEMA("n.nspname")} AND ${REACHES("p")}
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
     UNION ALL
     SELECT CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view '
                 ELSE format('rule %I on ', r.rulename) END || c.oid::regclass
       FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE ${IS_USERS_SCHEMA("n.nspname")} AND r.ev_enabled <> 'D' AND ${TEXT_REACHES("pg_get_ruledef(r.oid)")}
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      ORDER BY 1`,
    [REACHING_TEXT],
  );
  if (rows.length === 0) return none(ROUTINES);
  return note(
    ROUTINES,
    "none",
    rows.map(({ text }) => text),
    `A step that calls such a routine, reads such a view, or fires such a trigger or rule reaches external systems from staging too, and no rollback undoes that. Mark the step \`${MARK}\`, or disable the trigger in the step.`,
  );
}

async function eventTriggers(session: Session): Promise<PreflightCheck> {
  const rows = await session.query<{ text: string }>(
    `SELECT format('%s on %s calls %s%s', quote_ident(t.evtname), t.evtevent, t.evtfoid::regproc,
              CASE WHEN ${REACHES("p")} THEN ', which reaches outside' ELSE '' END) AS text
       FROM pg_event_trigger t JOIN pg_proc p ON p.oid = t.evtfoid
      WHERE t.evtenabled <> 'D' AND pg_get_userbyid(t.evtowner) !~ '^rdsadmin'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = t.oid AND d.deptype = 'e')
      ORDER BY 1`,
    [REACHING_TEXT],
  );
  if (rows.length === 0) return none(TRIGGERS, "none enabled");
  return note(
    TRIGGERS,
    "none enabled",
    rows.map(({ text }) => text),
    "They fire for the plan's DDL, on production and on staging. Read what they do. The rehearsal finds one that raises an error or writes. One that reaches outside also does so from staging: ALTER EVENT TRIGGER ... DISABLE for the run.",
  );
}

/** Finds unmarked steps that name a foreign table, or a table with a trigger that reaches outside. */
async function steps(session: Session, plan: CompiledPlan): Promise<PreflightCheck> {
  const unmarked = stepsOf(plan).filter(({ step }) => !step.outside && mayChange(step));
  const names = [...new Set(unmarked.flatMap(({ step }) => (step.relations ?? []).map(relationName)))];
  const reaching = await session.query<{ name: string; what: string }>(
    `SELECT wanted.name, coalesce(
              (SELECT 'foreign table ' || wanted.name || ' of server ' || s.srvname
                 FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = to_regclass(wanted.name)),
              (SELECT 'table ' || wanted.name || ', whose trigger ' || quote_ident(t.tgname) || ' reaches outside'
                 FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                WHERE t.tgrelid = to_regclass(wanted.name) AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND ${REACHES("p")}
                ORDER BY t.tgname LIMIT 1)) AS what
       FROM unnest($2::text[]) AS wanted (name)`,
    [REACHING_TEXT, names],
  );
  const whats = new Map(reaching.filter(({ what }) => what !== null).map(({ name, what }) => [name, what]));
  const found = unmarked.flatMap(({ path, step }) =>
    (step.relations ?? []).flatMap((relation) => {
      const what = whats.get(relationName(relation));
      return what === undefined ? [] : [`${path}:${step.line} "${step.name}" names ${what}`];
    }),
  );
  const allowed = outsideAllowed(plan);
  if (found.length > 0)
    return problem(
      OUTSIDE_STEPS,
      `only steps that are marked \`${MARK}\``,
      found,
      `A rehearsal would do there what production does, and no rollback undoes it. If that is intended, mark the step: -- sluice: step "name" ${MARK}`,
    );
  if (allowed.length === 0) return none(OUTSIDE_STEPS);
  return note(
    OUTSIDE_STEPS,
    "none",
    allowed,
    "The rehearsal runs them too, and from copies they reach the same external systems: each step twice on staging and its rollback up to three times, before production runs it. No rollback undoes what was done outside.",
  );
}

/** Returns the table's enabled triggers whose functions reach outside. */
export async function triggersThatReach(session: Session, table: string): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT 'trigger ' || quote_ident(t.tgname) AS name FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
      WHERE t.tgrelid = to_regclass($2) AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND ${REACHES("p")} ORDER BY 1`,
    [REACHING_TEXT, table],
  );
  return rows.map(({ name }) => name);
}

function stepsOf({ migrations, stagingData }: CompiledPlan): { path: string; step: Step }[] {
  return [...migrations.flatMap(stepFiles), ...stagingData].flatMap(({ path, steps }) =>
    steps.map((step) => ({ path, step })),
  );
}

const mayChange = (step: Step) => (step.kind === "transaction" ? step.changesRows : step.kind === "batches");
