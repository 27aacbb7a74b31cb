import { type Command, leadOf } from "./scan.ts";

// psql's own commands in a file of SQL. Those that change nothing in the database are left out, so that files written by
// pg_dump and for psql can be used unchanged. The others are refused, with what to write instead.

const ONLY_SHOWS =
  /^\\(restrict|unrestrict|echo|qecho|warn|timing|pset|x|a|t|f|H|C|conninfo|errverbose|encoding\s+'?(?:UTF|utf)-?8'?)(?![\w+])/;

/** Variables that change only what psql shows. */
const SET_ALIKE =
  /^\\(?:set|unset)\s+(?:(?:QUIET|VERBOSITY|ECHO|ECHO_HIDDEN|SHOW_CONTEXT|FETCH_COUNT|HISTFILE|HISTSIZE|HISTCONTROL|PROMPT[123]|COMP_KEYWORD_CASE)\b|ON_ERROR_STOP(?:\s+(?:on|1|true|yes))?\s*$)/i;

const INSTEAD: readonly (readonly [RegExp, string])[] = [
  [/^\\(i|ir|include|include_relative)\b/, "Put that file's SQL here"],
  [/^\\(c|connect)\b/, "A run works on one database: remove this"],
  [/^\\copy\b/i, "Use INSERT, or COPY from a place that the server can read"],
  [/^\\(g|gx|gexec|gset|gdesc|crosstabview|watch)\b/, "End the statement with a semicolon"],
  [/^\\(if|elif|else|endif)\b/, "A plan is the same in every run: keep the SQL of one branch"],
  [/^\\(set|unset|prompt|getenv)\b/, "Write the value itself instead of the variable"],
  [/^\\(q|quit)\b/, "psql would not run what follows: remove it"],
  [/^\\(!|o|w|s)/, "Remove this"],
];

/** Why a file cannot have the command; undefined if leaving it out changes nothing. */
export function refusedCommand(text: string, { start, end, alone }: Command): string | undefined {
  const command = text.slice(start, end).trimEnd();
  if (alone && (ONLY_SHOWS.test(command) || SET_ALIKE.test(command))) return undefined;
  if (alone && /^\\(q|quit)\s*$/.test(command) && leadOf(text.slice(end)) === text.length - end)
    return undefined;
  const instead = INSTEAD.find(([pattern]) => pattern.test(command))?.[1] ?? "Remove this";
  return `psql's own commands do not work here: ${command.length > 60 ? `${command.slice(0, 60)} ...` : command}. ${instead}`;
}

/** Such as `\restrict`. */
export function commandName(text: string, { start, end }: Command): string {
  return /^\\\S+/.exec(text.slice(start, end))?.[0] ?? "\\";
}

/** The text with spaces instead of the commands, so that everything else keeps its place. */
export function withoutCommands(text: string, commands: readonly Command[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end } of commands) {
    parts.push(text.slice(at, start), " ".repeat(end - start));
    at = end;
  }
  return parts.length === 0 ? text : parts.join("") + text.slice(at);
}
