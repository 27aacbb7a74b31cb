/**
 * Settings of every session of a run, whatever the defaults of the server, the role or the database are. They cover
 * everything that could change how a statement runs or how a name or value is spelt, except the database's own choices.
 * (A test gives a reason for each other setting that is left alone.) A plan's own SET comes later and wins.
 */
export const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  // A statement whose worker died must finish, so that the next worker finds it done.
  client_connection_check_interval: "0",
  // A NOTICE to a client that is gone would cancel the statement.
  client_min_messages: "error",
  // An error fails the step and must not end the session.
  exit_on_error: "off",
  // A plan sets its own limits. A role's limit must not end a checksum, an index build or a wait at a gate.
  statement_timeout: "0",
  transaction_timeout: "0",
  lock_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  // When a worker and its machine vanish between two statements, the session ends within half a minute and releases its
  // locks.
  tcp_keepalives_idle: "10",
  tcp_keepalives_interval: "5",
  tcp_keepalives_count: "3",
  tcp_user_timeout: "30000",
  // What a transaction sees, and whether its commit is durable: a step and its ledger row commit together.
  default_transaction_isolation: "read committed",
  default_transaction_deferrable: "off",
  synchronous_commit: "on",
  // How names and values are spelt, in both directions.
  quote_all_identifiers: "off",
  client_encoding: "UTF8",
  // The order of day and month stays the database's own.
  DateStyle: "ISO",
  IntervalStyle: "postgres",
  extra_float_digits: "1",
  bytea_output: "hex",
  xmlbinary: "base64",
  xmloption: "content",
  standard_conforming_strings: "on",
  backslash_quote: "safe_encoding",
  array_nulls: "on",
  transform_null_equals: "off",
  // What a statement does, and which rows it sees.
  row_security: "on",
  check_function_bodies: "on",
  restrict_nonsystem_relation_kind: "",
  icu_validation_level: "warning",
  gin_fuzzy_search_limit: "0",
  stats_fetch_consistency: "cache",
  debug_parallel_query: "off",
  // These need a right. Where the role lacks it, they stay as the administrator set them.
  session_replication_role: "origin",
  event_triggers: "on",
  allow_system_table_mods: "off",
  ignore_checksum_failure: "off",
  zero_damaged_pages: "off",
  lo_compat_privileges: "off",
  track_activities: "on",
};

/** For these settings only this value is changed: all other values are equally safe. */
export const ONLY_FROM: Readonly<Record<string, string>> = { synchronous_commit: "off" };

/** SQL that makes the settings that this server has and this role may make. $1: the settings, $2: ONLY_FROM, as JSON. */
export const MAKE_SETTINGS = `SELECT count(set_config(name, wanted.value, false))
    FROM json_each_text($1) AS wanted(name, value) JOIN pg_settings USING (name)
   WHERE setting IS DISTINCT FROM wanted.value AND setting = coalesce($2::json ->> name, setting)
     AND (context = 'user' OR has_parameter_privilege(name, 'SET'))`;
