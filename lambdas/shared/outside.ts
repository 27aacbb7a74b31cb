/**
 * Functions that reach out of the database: to other databases (dblink), the network (http, pg_net, Lambda, S3), or the
 * server's files and programs. Regular expressions for both JavaScript and PostgreSQL. Each may be called with or
 * without its schema.
 */
export const REACHING_CALLS = [
  "dblink",
  "dblink_(connect|connect_u|exec|open|send_query|fetch|close|get_result)",
  "http(_(get|post|put|patch|delete|head))?",
  "net\\.http_(get|post|delete|collect_response)",
  "aws_lambda\\.invoke",
  "aws_s3\\.(query_export_to_s3|table_import_from_s3)",
  "azure_storage\\.blob_(put|get|list)",
  "lo_export",
  "pg_file_(write|rename|unlink|sync)",
  "oracle_execute",
  "mysql_fdw_exec",
  "amqp\\.(publish|autonomous_publish)",
] as const;

/** Matches one of these calls anywhere in a text, such as a function's body. */
export const REACHING_TEXT = `(^|[^a-z0-9_$])((${REACHING_CALLS.join("|")})\\s*\\(|copy\\s[^;]*\\sprogram\\s)`;
