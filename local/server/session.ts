import type pg from "pg";
import { openPgSession, type PgConnection, Pooled } from "../../lambdas/shared/pg-session.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { asGuest, type LocalSettings } from "../../lambdas/shared/session.ts";
import type { Address } from "./address.ts";
import { lacksTls, mayGoOtherWay, NoPassword, Refused } from "./refused.ts";
import type { Tls, TlsWays } from "./tls.ts";

type Own = Pick<pg.ClientConfig, "application_name" | "options">;

/**
 * Opens a session there, and closes it when `work` is done.
 * @throws Refused with why there is none, and what to do; Pooled if a pooler answers
 */
export async function withSessionAt<T>(
  address: Address,
  own: Own,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const connection = await open(address, own, true);
  try {
    return await work(connection.session);
  } finally {
    await connection.close();
  }
}

/** Opens a session for as long as the caller needs; it may be idle in between. */
export async function openSessionAt(address: Address): Promise<PgConnection> {
  const options = [address.options ?? "", "-c idle_session_timeout=0"].join(" ").trim();
  return await open(address, { options }, true);
}

/** Opens a session on a database that others work with: see guest-session.ts. @throws Refused as above */
export async function withGuestAt<T>(
  address: Address,
  own: Own,
  settings: LocalSettings,
  work: (session: Session, pooled: boolean) => Promise<T>,
): Promise<T> {
  return await asGuest(await open(address, own, false), settings, work);
}

async function open(address: Address, own: Own, owned: boolean): Promise<PgConnection> {
  return await connecting(address, (tls) => openPgSession({ ...configFor(address, tls), ...own }, owned));
}

/** The way that succeeded before. A run opens many sessions, and need not fail first for each. */
const letIn = new WeakMap<TlsWays, Tls>();

/** Connects by the first way of the address's sslmode that succeeds. @throws Refused if none does */
export async function connecting<T>(address: Address, connect: (tls: Tls) => Promise<T>): Promise<T> {
  const { ways } = address.tls;
  const failures: unknown[] = [];
  const known = letIn.get(address.tls);
  for (const tls of known === undefined ? ways : [known])
    try {
      const connected = await connect(tls);
      letIn.set(address.tls, tls);
      return connected;
    } catch (error) {
      if (error instanceof Pooled) throw error;
      failures.push(error);
      if (!mayGoOtherWay(error)) break;
    }
  // A lack of TLS is not the reason if another way was tried after it.
  const reason = failures.find((error, at) => at === failures.length - 1 || !lacksTls(error));
  throw new Refused(address, reason);
}

/** The configuration for node-postgres, complete so that it looks up nothing itself. */
export function configFor(address: Address, tls: Tls): pg.ClientConfig {
  const { host, port, user, database, password, options, connectTimeoutMs, directTls, passwordFrom } =
    address;
  return {
    host,
    port,
    user,
    database,
    // Called only if the server asks for a password.
    password:
      password ??
      (() => {
        throw new NoPassword(passwordFrom);
      }),
    ssl: tls,
    ...(directTls ? { sslnegotiation: "direct" } : {}),
    ...(options === undefined ? {} : { options }),
    connectionTimeoutMillis: connectTimeoutMs,
  } as pg.ClientConfig;
}
