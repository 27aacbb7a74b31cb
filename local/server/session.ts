import type pg from "pg";
import { openPgSession, type PgConnection } from "../../lambdas/shared/pg-session.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import type { Address } from "./address.ts";
import { mayGoOtherWay, NoPassword, Refused } from "./refused.ts";
import type { Tls } from "./tls.ts";

/** Opens one session there, and closes it when `work` is done. @throws Refused with why there is none, and what helps */
export async function withSessionAt<T>(
  address: Address,
  own: Pick<pg.ClientConfig, "application_name" | "options">,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const connection = await open(address, own);
  try {
    return await work(connection.session);
  } finally {
    await connection.close();
  }
}

async function open(address: Address, own: Parameters<typeof withSessionAt>[1]): Promise<PgConnection> {
  return await connecting(address, (tls) => openPgSession({ ...configFor(address, tls), ...own }));
}

/** Connects in the first way of the address's sslmode that is let in. @throws Refused where none is */
export async function connecting<T>(address: Address, connect: (tls: Tls) => Promise<T>): Promise<T> {
  const { ways } = address.tls;
  let first: unknown;
  for (const [at, tls] of ways.entries())
    try {
      return await connect(tls);
    } catch (error) {
      // What the first way was refused for says more, where the last was not tried for another reason.
      first ??= error;
      const isLast = at === ways.length - 1;
      if (isLast || !mayGoOtherWay(error)) throw new Refused(address, mayGoOtherWay(error) ? first : error);
    }
  throw new Error("There is no way to connect");
}

/** As node-postgres takes it: nothing is left for it to look up for itself. */
export function configFor(address: Address, tls: Tls): pg.ClientConfig {
  const { host, port, user, database, password, options, connectTimeoutMs, directTls, passwordFrom } =
    address;
  return {
    host,
    port,
    user,
    database,
    // Called only when the server asks for one.
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
