import { mappingText, outsideAllowed } from "../fence/disarm.ts";
import { REACHING_TEXT } from "../shared/outside.ts";
import { type CompiledPlan, type Step, stepFiles } from "../shared/plan.ts";
import type { Ports, PreflightCheck } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { IS_USERS_SCHEMA, relationName } from "../shared/sql-text.ts";
import { inspected, none, note, problem } from "./inspected.ts";

const SERVERS = "foreign servers";
const ROUTINES = "routines that reach outside";
const TRIGGERS = "event triggers";
/** Name of the check that a gate shows first. */
export const OUTSIDE_STEPS = "steps that reach outside";
const MARK = "outside: allowed";

/** How what is done in this database could reach the real world from a copy of it. */
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
  /** SQL that lets this role change it. */
  helps: string;
  /** This role may alter or drop it. */
  may: boolean;
  /** A step could use it: it is anybody's, this role's, or of one that it may become. */
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
            -- What a superuser owns is given over: nobody is told to grant a superuser's rights.
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
      "user mappings that can be made useless on copies",
      fixed.map(mappingText),
      `A rehearsal could reach the real server by them: only a superuser or the server's owner may change them. As a superuser: ${helps}`,
    );
  }
  const others = mappings.filter(({ may }) => !may);
  const kept =
    others.length > 0 && !allowed
      ? ` Not those of ${others.map(mappingText).join(", ")}, which this role may not change: what such a role owns (views, SECURITY DEFINER functions) still reaches its server from a copy.`
      : "";
  return note(
    SERVERS,
    "none",
    servers.map(({ text }) => text),
    allowed
      ? `The plan has a step that is marked \`${MARK}\`: on copies all user mappings stay good, and a rehearsal reaches these servers as production would.`
      : `On copies all user mappings are made useless before a step runs: a step that needs one fails there, unless it is marked \`${MARK}\`.${kept} Wrappers that need no mapping (files, programs) are not kept off.`,
  );
}

/** Of a text of SQL, whether it reaches outside by itself: a copy cannot be kept from it. Comments do nothing. */
const TEXT_REACHES = (text: string) =>
  `regexp_replace(regexp_replace(${text}, '--[^\\n]*', '', 'g'), '/\\*.*?\\*/', '', 'g') ~* $1`;
/** The same of a row of pg_proc; one with a body of SQL has no source. */
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
    `A step that calls one, reads such a view, or fires a trigger or rule that does, reaches the real world from staging too, and no rollback takes that back. Mark such a step \`${MARK}\`, or disable the trigger in the step.`,
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
    "They fire for the plan's DDL, on production and on staging. Read what they do: one that refuses, or writes, is found by the rehearsal; one that reaches outside does so from staging, too: ALTER EVENT TRIGGER ... DISABLE for the run.",
  );
}

/** Steps that are not marked and name a foreign table, or a table with a trigger that reaches outside. */
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
      `none that is not marked \`${MARK}\``,
      found,
      `A rehearsal would do there what production does, and no rollback takes it back. Where it is meant, mark the step: -- sluice: step "name" ${MARK}`,
    );
  if (allowed.length === 0) return none(OUTSIDE_STEPS);
  return note(
    OUTSIDE_STEPS,
    "none",
    allowed,
    "The rehearsal runs them too, and from copies they reach the same outside: each step twice on staging and its rollback up to three times, before it is done on production. No rollback takes back what was done outside.",
  );
}

/** Enabled triggers of that table whose functions reach outside. */
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
