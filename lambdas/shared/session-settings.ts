/**
 * What every session of a run has, whatever the server's, the role's or the database's defaults are: all that could
 * change how a statement runs, or how a name or a value is spelt, and that is not the database's own choice (a test says
 * of each other setting why it is left). A plan's own SET comes after these, and holds.
 */
export const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  // A statement whose worker died is to be finished, and found done by the next worker.
  client_connection_check_interval: "0",
  // A NOTICE to a client that is gone would break the statement off.
  client_min_messages: "error",
  // An error is the step's affair, and not the session's.
  exit_on_error: "off",
  // Who wants a limit sets one; a limit on the role must not end a checksum, an index build or a wait for people.
  statement_timeout: "0",
  transaction_timeout: "0",
  lock_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  // A session between two statements whose worker vanished without a word, its machine with it, ends within half a
  // minute, and gives back its locks.
  tcp_keepalives_idle: "10",
  tcp_keepalives_interval: "5",
  tcp_keepalives_count: "3",
  tcp_user_timeout: "30000",
  // What a transaction sees, and whether its end is kept: step and ledger are one.
  default_transaction_isolation: "read committed",
  default_transaction_deferrable: "off",
  synchronous_commit: "on",
  // How names and values are spelt, in both directions.
  quote_all_identifiers: "off",
  client_encoding: "UTF8",
  // The order of day and month is the database's own, and stays.
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
  // These take a right; where the role lacks it, they stay as an administrator made them.
  session_replication_role: "origin",
  event_triggers: "on",
  allow_system_table_mods: "off",
  ignore_checksum_failure: "off",
  zero_damaged_pages: "off",
  lo_compat_privileges: "off",
  track_activities: "on",
};

/** Of these only that value is changed: the others are all as safe. */
export const ONLY_FROM: Readonly<Record<string, string>> = { synchronous_commit: "off" };

/** Makes the settings that this server knows and this role may make. $1: the settings, $2: ONLY_FROM, as JSON. */
export const MAKE_SETTINGS = `SELECT count(set_config(name, wanted.value, false))
    FROM json_each_text($1) AS wanted(name, value) JOIN pg_settings USING (name)
   WHERE setting IS DISTINCT FROM wanted.value AND setting = coalesce($2::json ->> name, setting)
     AND (context = 'user' OR has_parameter_privilege(name, 'SET'))`;
