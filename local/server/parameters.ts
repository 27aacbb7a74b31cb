import { UsageError } from "../events.ts";

/** Connection parameters as given, by libpq's names, such as `host`, `port`, `sslmode`. */
export type Parameters = Readonly<Record<string, string>>;

/** Environment variables that libpq reads, with their parameters. */
const VARIABLES: Readonly<Record<string, string>> = {
  host: "PGHOST",
  port: "PGPORT",
  dbname: "PGDATABASE",
  user: "PGUSER",
  password: "PGPASSWORD",
  passfile: "PGPASSFILE",
  service: "PGSERVICE",
  options: "PGOPTIONS",
  sslmode: "PGSSLMODE",
  sslrootcert: "PGSSLROOTCERT",
  sslcert: "PGSSLCERT",
  sslkey: "PGSSLKEY",
  sslnegotiation: "PGSSLNEGOTIATION",
  ssl_min_protocol_version: "PGSSLMINPROTOCOLVERSION",
  connect_timeout: "PGCONNECT_TIMEOUT",
  channel_binding: "PGCHANNELBINDING",
  target_session_attrs: "PGTARGETSESSIONATTRS",
  gssencmode: "PGGSSENCMODE",
  require_auth: "PGREQUIREAUTH",
  sslcrl: "PGSSLCRL",
  hostaddr: "PGHOSTADDR",
};

/** Parameters without effect here: a session sets its own name and keepalives. */
const WITHOUT_EFFECT = [
  ...["application_name", "fallback_application_name", "client_encoding", "keepalives", "keepalives_idle"],
  ...[
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "sslcompression",
    "sslsni",
    "krbsrvname",
  ],
  ...["gssdelegation", "gsslib", "load_balance_hosts"],
];

/** Parameters for which only these values are supported. */
const KEPT_ONLY: Readonly<Record<string, readonly string[]>> = {
  channel_binding: ["prefer", "disable"],
  gssencmode: ["prefer", "disable"],
  target_session_attrs: ["any", "read-write", "primary"],
};

/** Parameters of libpq that are not supported, and must not be ignored silently. */
const REFUSED = [
  "require_auth",
  "requirepeer",
  "sslcrl",
  "sslcrldir",
  "hostaddr",
  "replication",
  "sslpassword",
];

const KNOWN = new Set([...Object.keys(VARIABLES), ...WITHOUT_EFFECT, ...REFUSED]);

const FORM =
  "must look like postgresql://user@host:port/database or service=name. In a URL, characters such as @ : / ? # % are written %40 %3A %2F %3F %23 %25";

const URL_FORM =
  /^postgres(?:ql)?:\/\/(?:(?<userinfo>[^/?]*)@)?(?<host>\[[^\]]*\]|[^:/?]*)(?::(?<port>[^/?]*))?(?:\/(?<dbname>[^?]*))?(?:\?(?<query>.*))?$/s;

/**
 * The parameters in a URL, or in `keyword=value` pairs.
 * @param from where the text comes from, for messages; the text itself is never repeated, as it may have a password
 * @throws UsageError for any other text
 */
export function parametersIn(text: string, from: string): Parameters {
  const found = /^\s*[a-z_]+\s*=/.test(text) ? pairsIn(text, from) : urlIn(text, from);
  if (found.host?.includes(",")) throw new UsageError(`${from} names several hosts. Give only the primary.`);
  return checked(found, from);
}

/** The parameters in the environment. */
export function parametersOf(env: NodeJS.ProcessEnv): Parameters {
  const found: Record<string, string> = {};
  for (const [name, variable] of Object.entries(VARIABLES)) {
    const value = env[variable];
    if (value !== undefined && value !== "") Object.assign(found, checked({ [name]: value }, variable));
  }
  return found;
}

/** The parameters as environment of a program that uses libpq. The caller adds the login, above all the password. */
export function environmentOf(parameters: Parameters): NodeJS.ProcessEnv {
  const { password: _, service: __, ...others } = parameters;
  return Object.fromEntries(
    Object.entries(others).flatMap(([name, value]) => {
      const variable = VARIABLES[name];
      return variable === undefined ? [] : [[variable, value]];
    }),
  );
}

/** @throws UsageError for a parameter that does not exist, or is not supported */
export function checked(found: Parameters, from: string): Parameters {
  for (const [name, value] of Object.entries(found)) {
    if (!KNOWN.has(name)) throw new UsageError(`${from}: there is no connection parameter ${name}.`);
    if (REFUSED.includes(name))
      throw new UsageError(
        `${from}: ${name} is not supported here. Leave it out, or connect in another way.`,
      );
    const kept = KEPT_ONLY[name];
    if (kept && !kept.includes(value))
      throw new UsageError(
        `${from}: ${name}=${value} is not supported here, only ${kept.join(", ")}. sslmode=verify-full verifies the server.`,
      );
  }
  return found;
}

function urlIn(text: string, from: string): Parameters {
  const { userinfo, host, port, dbname, query } = URL_FORM.exec(text)?.groups ?? {};
  if (!URL_FORM.test(text)) throw new UsageError(`${from} ${FORM}.`);
  const [user, password] = splitOnce(userinfo ?? "", ":");
  const given = { user, password, host: host?.replace(/^\[(.*)\]$/, "$1"), port, dbname };
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(given))
    if (value !== undefined && value !== "") found[name] = decoded(value, from);
  for (const pair of query ? query.split("&").filter((pair) => pair !== "") : []) {
    const [name = "", value = ""] = splitOnce(pair, "=");
    found[decoded(name, from) === "ssl" && value === "true" ? "sslmode" : decoded(name, from)] =
      name === "ssl" && value === "true" ? "require" : decoded(value, from);
  }
  return found;
}

function decoded(text: string, from: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UsageError(`${from} ${FORM}: a % in it is not followed by two digits.`);
  }
}

const PAIR = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/gsy;

function pairsIn(text: string, from: string): Parameters {
  const found: Record<string, string> = {};
  PAIR.lastIndex = 0;
  let end = 0;
  for (let match = PAIR.exec(text); match; match = PAIR.exec(text)) {
    end = PAIR.lastIndex;
    found[match[1] ?? ""] = (match[2] ?? match[3] ?? "").replace(/\\(.)/gs, "$1");
  }
  if (text.slice(end).trim() !== "")
    throw new UsageError(`${from} ${FORM}: after its first ${end} characters there is no name=value.`);
  return found;
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
