// Migrations that people write, and the result of the rollback that is made for each.

/** A database as a team's may be, with rows in it. */
export const BASELINE = `
  DO $$ BEGIN CREATE ROLE web NOLOGIN; GRANT web TO CURRENT_USER; END $$;
  CREATE SCHEMA app;
  GRANT USAGE ON SCHEMA app TO web;
  CREATE TYPE app.status AS ENUM ('open', 'done');
  COMMENT ON TYPE app.status IS 'How far it is';
  CREATE DOMAIN app.email AS text CONSTRAINT has_at CHECK (VALUE LIKE '%@%');
  CREATE FUNCTION app.is_done(s app.status) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT s = 'done' $$;
  CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := coalesce(NEW.note, ''); RETURN NEW; END $$;
  CREATE TABLE app.person (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email app.email NOT NULL CONSTRAINT person_email_key UNIQUE,
    name varchar(40) NOT NULL DEFAULT 'nobody',
    age smallint CHECK (age > 0)
  );
  CREATE TABLE app.task (
    id serial PRIMARY KEY,
    person int NOT NULL CONSTRAINT task_person_fkey REFERENCES app.person (id) ON DELETE CASCADE,
    state app.status NOT NULL DEFAULT 'open',
    states app.status[] DEFAULT '{}',
    price numeric(10, 2),
    amount int DEFAULT 1,
    total numeric GENERATED ALWAYS AS (price * amount) STORED,
    note text
  );
  COMMENT ON TABLE app.task IS 'What is to do';
  COMMENT ON COLUMN app.task.note IS 'Free text';
  CREATE INDEX task_open_idx ON app.task (person) WHERE state = 'open';
  CREATE INDEX task_done_idx ON app.task (app.is_done(state));
  CREATE STATISTICS app.task_stats (dependencies) ON person, amount FROM app.task;
  CREATE TRIGGER task_touch BEFORE INSERT OR UPDATE OF note ON app.task FOR EACH ROW EXECUTE FUNCTION app.touch();
  ALTER TABLE app.task ENABLE ROW LEVEL SECURITY;
  CREATE POLICY task_open ON app.task FOR SELECT TO web USING (state = 'open');
  GRANT SELECT, INSERT ON app.task TO web;
  GRANT SELECT (id, name) ON app.person TO web;
  CREATE VIEW app.open_task WITH (security_invoker = true) AS SELECT id, person, state FROM app.task WHERE state = 'open';
  COMMENT ON VIEW app.open_task IS 'What is left';
  GRANT SELECT ON app.open_task TO web;
  CREATE VIEW app.busy AS SELECT person, count(*) AS tasks FROM app.open_task GROUP BY person;
  CREATE MATERIALIZED VIEW app.by_state AS SELECT state, count(*) AS tasks FROM app.task GROUP BY state;
  CREATE UNIQUE INDEX by_state_key ON app.by_state (state);
  CREATE TABLE app.event (at date NOT NULL, what text, PRIMARY KEY (at, what)) PARTITION BY RANGE (at);
  CREATE TABLE app.event_2026 PARTITION OF app.event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE INDEX event_what_idx ON app.event (what);
  CREATE UNLOGGED TABLE app.queue (job text);
  INSERT INTO app.queue VALUES ('a job');
  CREATE TABLE app.log (line text, at timestamptz DEFAULT now());
  CREATE SCHEMA "order";
  CREATE TYPE "order".kind AS ENUM ('new');
  CREATE TABLE "order".line (id int, kind "order".kind);
  INSERT INTO "order".line VALUES (1, 'new');
  CREATE PUBLICATION feed FOR TABLE app.person;
  INSERT INTO app.person (email, name, age) SELECT 'p' || i || '@x', 'p' || i, i FROM generate_series(1, 20) i;
  INSERT INTO app.task (person, state, states, price, note)
    SELECT i, CASE WHEN i % 2 = 0 THEN 'done' ELSE 'open' END::app.status, '{open,done}', i, 'n' || i FROM generate_series(1, 20) i;
  REFRESH MATERIALIZED VIEW app.by_state;
  INSERT INTO app.event SELECT '2026-01-01'::date + i, 'e' || i FROM generate_series(1, 20) i;
`;

export interface Case {
  what: string;
  /** migrate.sql; marks cut it into steps. */
  sql: string;
  /** Absent: the rollback holds. Otherwise it is part of a line that reports what does not hold. */
  wrong?: string;
  /** Part of a sentence that states what cannot be known. */
  unknown?: string;
}

const STEP = (name: string) => `\n-- sluice: step "${name}"\n`;

export const CASES: Case[] = [
  {
    what: "a label is added to an enum that columns, arrays, views, indexes, policies and functions use",
    sql: "ALTER TYPE app.status ADD VALUE 'late' BEFORE 'done'",
    unknown: "labels of app.status",
  },
  {
    what: "a domain is recreated on another type, and a later step adds a label to an enum",
    sql: `${STEP("domain")}ALTER DOMAIN app.email RENAME TO former_email; CREATE DOMAIN app.email AS varchar(80) CONSTRAINT has_at CHECK (VALUE LIKE '%@%');
      ALTER TABLE app.person ALTER email TYPE app.email; DROP DOMAIN app.former_email;${STEP("label")}ALTER TYPE app.status ADD VALUE 'late'`,
    unknown: "labels of app.status",
  },
  { what: "a label is renamed", sql: "ALTER TYPE app.status RENAME VALUE 'done' TO 'finished'" },
  {
    what: "an enum gives way to text",
    sql: `DROP MATERIALIZED VIEW app.by_state; DROP VIEW app.busy; DROP VIEW app.open_task; DROP POLICY task_open ON app.task; DROP INDEX app.task_done_idx; DROP INDEX app.task_open_idx;
    ALTER TABLE app.task ALTER state DROP DEFAULT, ALTER state TYPE text, ALTER state SET DEFAULT 'open'; ALTER TABLE app.task ALTER states DROP DEFAULT, ALTER states TYPE text[];
    DROP FUNCTION app.is_done(app.status); DROP TYPE app.status`,
    unknown: "another type",
  },
  {
    what: "a type is widened",
    sql: "ALTER TABLE app.person ALTER name TYPE varchar(200); ALTER TABLE app.person ALTER age TYPE int",
    unknown: "app.person.name another type",
  },
  {
    what: "an integer becomes a bigint under views and keys",
    sql: `DROP VIEW app.busy; DROP VIEW app.open_task; ALTER TABLE app.task ALTER id TYPE bigint; ALTER SEQUENCE app.task_id_seq AS bigint;
    CREATE VIEW app.open_task WITH (security_invoker = true) AS SELECT id, person, state FROM app.task WHERE state = 'open'`,
    unknown: "app.task.id another type",
  },
  {
    what: "a type is narrowed so that values are lost",
    sql: "DROP TRIGGER task_touch ON app.task; ALTER TABLE app.task ALTER note TYPE varchar(2) USING left(note, 2)",
    wrong: "app.task",
    unknown: "app.task.note another type",
  },
  {
    what: "a table is renamed, and its columns, constraints and indexes",
    sql: "ALTER TABLE app.task RENAME TO todo; ALTER TABLE app.todo RENAME note TO remark; ALTER TABLE app.todo RENAME CONSTRAINT task_person_fkey TO todo_person_fkey; ALTER INDEX app.task_open_idx RENAME TO todo_open_idx; ALTER TRIGGER task_touch ON app.todo RENAME TO todo_touch; ALTER POLICY task_open ON app.todo RENAME TO todo_open",
  },
  {
    what: "a schema is renamed, and a table moved",
    sql: "ALTER SCHEMA app RENAME TO core; CREATE SCHEMA extra; ALTER TABLE core.log SET SCHEMA extra; ALTER TABLE core.person RENAME name TO full_name",
  },
  {
    what: "a function and a type are renamed",
    sql: "ALTER FUNCTION app.touch() RENAME TO touched; ALTER TYPE app.status RENAME TO state; ALTER DOMAIN app.email RENAME CONSTRAINT has_at TO is_address",
  },
  {
    what: "a table is recreated, filled and swapped in",
    sql: `ALTER TABLE app.log RENAME TO log_old; CREATE TABLE app.log (LIKE app.log_old INCLUDING ALL, level int DEFAULT 0); INSERT INTO app.log (line, at) SELECT line, at FROM app.log_old`,
  },
  {
    what: "a table is dropped",
    sql: "DROP TABLE app.event",
    wrong: "app.event_2026",
    unknown: "drops table app.event_2026",
  },
  { what: "an empty table is dropped", sql: "DROP TABLE app.log", unknown: "drops table app.log" },
  {
    what: "a column that is used is dropped",
    sql: "DROP VIEW app.busy, app.open_task; DROP TRIGGER task_touch ON app.task; ALTER TABLE app.task DROP COLUMN note",
    wrong: "app.task",
    unknown: "drops column app.task.note",
  },
  { what: "a generated column is dropped", sql: "ALTER TABLE app.task DROP COLUMN total" },
  {
    what: "a generated column is added",
    sql: `-- sluice: step "double" rewrites\nALTER TABLE app.task ADD COLUMN twice numeric GENERATED ALWAYS AS (price * 2) STORED`,
  },
  {
    what: "columns, checks, keys and indexes are added in steps",
    sql: `${STEP("one")}ALTER TABLE app.person ADD COLUMN boss int;${STEP("two")}ALTER TABLE app.person ADD CONSTRAINT boss_fkey FOREIGN KEY (boss) REFERENCES app.person (id) NOT VALID;${STEP("three")}ALTER TABLE app.person VALIDATE CONSTRAINT boss_fkey;\n-- sluice: step "four" outside transaction\nCREATE INDEX CONCURRENTLY person_boss_idx ON app.person (boss);${STEP("five")}ALTER TABLE app.person ADD CONSTRAINT grown CHECK (age < 200), ALTER age SET NOT NULL`,
  },
  {
    what: "a primary key is replaced that foreign keys are to",
    sql: `ALTER TABLE app.task DROP CONSTRAINT task_person_fkey; ALTER TABLE app.person DROP CONSTRAINT person_pkey; ALTER TABLE app.person ADD COLUMN tenant int NOT NULL DEFAULT 1; ALTER TABLE app.person ADD PRIMARY KEY (tenant, id)`,
  },
  {
    what: "a serial becomes an identity",
    sql: `ALTER TABLE app.task ALTER id DROP DEFAULT; DROP SEQUENCE app.task_id_seq; ALTER TABLE app.task ALTER id ADD GENERATED BY DEFAULT AS IDENTITY (START WITH 21)`,
    unknown: "drops sequence app.task_id_seq",
  },
  {
    what: "an identity is dropped",
    sql: "ALTER TABLE app.person ALTER id DROP IDENTITY",
    unknown: "drops sequence app.person_id_seq",
  },
  {
    what: "defaults, NOT NULL, storage, statistics, options and comments change",
    sql: `ALTER TABLE app.task ALTER amount SET DEFAULT 2, ALTER person DROP NOT NULL, ALTER note SET STORAGE EXTERNAL, ALTER note SET STATISTICS 500, SET (fillfactor = 70, toast.autovacuum_enabled = false), REPLICA IDENTITY FULL;
    COMMENT ON TABLE app.task IS NULL; COMMENT ON COLUMN app.task.price IS 'In euro'`,
  },
  {
    what: "a view gets other columns",
    sql: "DROP VIEW app.busy; DROP VIEW app.open_task; CREATE VIEW app.open_task AS SELECT person, id, note FROM app.task WHERE state = 'open'; CREATE VIEW app.more AS SELECT * FROM app.open_task",
  },
  {
    what: "a view that others read is replaced",
    sql: "CREATE OR REPLACE VIEW app.open_task AS SELECT id, person, state, note FROM app.task WHERE NOT app.is_done(state)",
  },
  {
    what: "a materialized view and its index are recreated",
    sql: "DROP MATERIALIZED VIEW app.by_state; CREATE MATERIALIZED VIEW app.by_state AS SELECT state, sum(price) AS prices FROM app.task GROUP BY state; CREATE INDEX by_state_prices ON app.by_state (prices)",
    unknown: "Materialized view app.by_state is made again",
  },
  {
    what: "a function is replaced",
    sql: "CREATE OR REPLACE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql COST 7 SECURITY DEFINER SET search_path = app AS $$ BEGIN RETURN NEW; END $$",
  },
  {
    what: "a function's result changes",
    sql: "DROP INDEX app.task_done_idx; DROP FUNCTION app.is_done(app.status); CREATE FUNCTION app.is_done(s app.status) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN s = 'done' THEN 1 ELSE 0 END $$; CREATE INDEX task_done_idx ON app.task (app.is_done(state))",
  },
  {
    what: "a function's parameters get defaults, and an overload is added",
    sql: "CREATE FUNCTION app.is_done(s app.status, sure boolean DEFAULT true) RETURNS boolean LANGUAGE sql AS 'SELECT true'; CREATE PROCEDURE app.tidy() LANGUAGE sql AS 'DELETE FROM app.log'",
  },
  {
    what: "a table that is used by a default of what was there is added with its function",
    sql: "CREATE TABLE app.setting (key text PRIMARY KEY, value int); CREATE FUNCTION app.setting_of(k text) RETURNS int LANGUAGE sql STABLE AS 'SELECT value FROM app.setting WHERE key = k'; ALTER TABLE app.task ALTER amount SET DEFAULT app.setting_of('amount')",
  },
  {
    what: "a column gets a type that is added",
    sql: "CREATE TYPE app.level AS ENUM ('low', 'high'); ALTER TABLE app.log ADD COLUMN level app.level DEFAULT 'low'; CREATE DOMAIN app.short AS varchar(10); ALTER TABLE app.log ADD COLUMN short app.short",
  },
  {
    what: "a domain gets another check and a default",
    sql: "ALTER DOMAIN app.email DROP CONSTRAINT has_at; ALTER DOMAIN app.email ADD CONSTRAINT has_dot CHECK (VALUE LIKE '%x%'); ALTER DOMAIN app.email SET DEFAULT 'a@x'",
  },
  {
    what: "rights are given and taken",
    sql: "REVOKE INSERT ON app.task FROM web; GRANT DELETE ON app.task TO web WITH GRANT OPTION; REVOKE SELECT (name) ON app.person FROM web; GRANT UPDATE (age) ON app.person TO web; REVOKE ALL ON FUNCTION app.touch() FROM PUBLIC; ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO web; GRANT CREATE ON SCHEMA app TO web",
  },
  {
    what: "default privileges give rights on what is made again",
    sql: "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO web; DROP VIEW app.busy",
  },
  {
    what: "policies and row security change",
    sql: "DROP POLICY task_open ON app.task; CREATE POLICY task_all ON app.task TO web USING (true) WITH CHECK (amount > 0); ALTER TABLE app.task FORCE ROW LEVEL SECURITY; ALTER TABLE app.person ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON app.person USING (name = current_user)",
  },
  {
    what: "triggers and rules change",
    sql: "DROP TRIGGER task_touch ON app.task; CREATE TRIGGER task_touch AFTER DELETE ON app.task FOR EACH ROW EXECUTE FUNCTION app.touch(); CREATE CONSTRAINT TRIGGER late AFTER INSERT ON app.task DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.touch(); CREATE RULE no_delete AS ON DELETE TO app.log DO INSTEAD NOTHING; ALTER TABLE app.person DISABLE TRIGGER USER",
  },
  {
    what: "a partition is added, and one detached",
    sql: "CREATE TABLE app.event_2027 PARTITION OF app.event FOR VALUES FROM ('2027-01-01') TO ('2028-01-01'); ALTER TABLE app.event DETACH PARTITION app.event_2026",
  },
  {
    what: "a partitioned table gets an index and a check",
    sql: "CREATE INDEX event_both_idx ON app.event (what, at); ALTER TABLE app.event ADD CONSTRAINT what_is_there CHECK (what <> ''); DROP INDEX app.event_what_idx",
  },
  {
    what: "a table becomes a partition of a new one",
    sql: `CREATE TABLE app.logs (line text, at timestamptz DEFAULT now()) PARTITION BY RANGE (at); ALTER TABLE app.logs ATTACH PARTITION app.log DEFAULT`,
  },
  {
    what: "a partitioned table is recreated by another key, with the partition that it had",
    sql: `ALTER TABLE app.event DETACH PARTITION app.event_2026; DROP TABLE app.event;
      CREATE TABLE app.event (at date NOT NULL, what text NOT NULL) PARTITION BY LIST (what); ALTER TABLE app.event ATTACH PARTITION app.event_2026 DEFAULT`,
    unknown: "drops table app.event and makes another",
  },
  {
    what: "tables inherit",
    sql: "CREATE TABLE app.base (line text); ALTER TABLE app.log INHERIT app.base; CREATE TABLE app.special (more int) INHERITS (app.log)",
  },
  {
    what: "a table is made unlogged",
    sql: `-- sluice: step "unlogged" rewrites\nALTER TABLE app.log SET UNLOGGED`,
  },
  {
    what: "statistics, publications and sequences change",
    sql: "DROP STATISTICS app.task_stats; CREATE STATISTICS app.task_stats ON person, price FROM app.task; ALTER PUBLICATION feed ADD TABLE app.task; ALTER PUBLICATION feed SET (publish = 'insert'); ALTER SEQUENCE app.task_id_seq INCREMENT 10 CACHE 5; CREATE PUBLICATION other FOR TABLE app.log",
  },
  {
    what: "two tables are added that refer to each other",
    sql: "CREATE TABLE app.a (id int PRIMARY KEY, b int); CREATE TABLE app.b (id int PRIMARY KEY, a int REFERENCES app.a); ALTER TABLE app.a ADD FOREIGN KEY (b) REFERENCES app.b",
  },
  {
    what: "what a step adds is dropped by a later one",
    sql: `${STEP("add")}CREATE VIEW app.passing AS SELECT note FROM app.task;${STEP("drop")}DROP VIEW app.passing;${STEP("rename")}ALTER TABLE app.task RENAME note TO remark`,
  },
  {
    what: "two columns swap names",
    sql: `${STEP("away")}ALTER TABLE app.log ADD COLUMN new_line text; ${STEP("swap")}ALTER TABLE app.log RENAME line TO old_line; ALTER TABLE app.log RENAME new_line TO line`,
  },
  {
    what: "a column is kept under another name, and one of a narrower type takes its place",
    sql: `ALTER TABLE app.person RENAME COLUMN name TO kept_name_2; ALTER TABLE app.person ALTER COLUMN kept_name_2 DROP NOT NULL;
      ALTER TABLE app.person ADD COLUMN name varchar(2); UPDATE app.person SET name = left(kept_name_2, 2); ALTER TABLE app.person ALTER COLUMN name SET NOT NULL`,
    unknown: "changes existing rows",
  },
  {
    what: "a table is kept in a schema of its own",
    sql: "CREATE SCHEMA kept; ALTER TABLE app.log SET SCHEMA kept",
  },
  {
    what: "a table is moved out of a schema that is dropped",
    sql: 'ALTER TABLE "order".line SET SCHEMA public; ALTER TYPE "order".kind SET SCHEMA public; DROP SCHEMA "order"',
  },
  {
    what: "a label is added to an enum of a schema whose name needs quotes",
    sql: `ALTER TYPE "order".kind ADD VALUE 'old'`,
    unknown: 'labels of "order".kind',
  },
  {
    what: "rows are changed",
    sql: "UPDATE app.task SET note = 'x'; CREATE INDEX task_note_idx ON app.task (note)",
    wrong: "app.task",
    unknown: "changes existing rows",
  },
  {
    what: "rows are changed by code",
    sql: "DO $$ BEGIN UPDATE app.task SET amount = 2; END $$; CREATE INDEX task_note_idx ON app.task (note)",
    wrong: "app.task",
    unknown: "runs code",
  },
  {
    what: "a large object is left",
    sql: "SELECT lo_create(4711); CREATE TABLE app.doc (object oid)",
    wrong: "large objects: 1 added",
    unknown: "runs code",
  },
  {
    what: "a row is added with the new label",
    sql: `${STEP("add")}ALTER TYPE app.status ADD VALUE 'late';${STEP("use")}UPDATE app.task SET state = 'late' WHERE id = 1`,
    wrong: "late",
    unknown: "labels of app.status",
  },
  {
    what: "an extension is added, with a column of its type",
    sql: "CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE INDEX task_note_trgm ON app.task USING gin (note gin_trgm_ops)",
  },
  {
    what: "names that need quotes",
    sql: `CREATE TABLE app."Odd ""name""" ("the col" int, "select" text); ALTER TABLE app.log ADD COLUMN "From" text DEFAULT 'it''s'; COMMENT ON COLUMN app.log."From" IS 'it''s a $undo$ \\ {database} % comment'; CREATE FUNCTION app."do $undo$"() RETURNS text LANGUAGE sql AS 'SELECT ''$undo$''::text'`,
  },
];
