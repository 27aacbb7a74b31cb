import pg from "pg";
import { NATIVE_URL } from "../support/native.ts";
import { install } from "./install.ts";

/** Before the suite: the server, and the real tools. Where one is missing it fails here, with what it needs. */
export default async function setup(): Promise<void> {
  const client = new pg.Client({ connectionString: NATIVE_URL, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
  } catch (error) {
    throw new Error(
      `The suite of real tools needs a PostgreSQL server (15 or newer) and a superuser on it. Set SLUICE_NATIVE_URL to its URL. Nothing answers at ${new URL(NATIVE_URL).host}: ${(error as Error).message}`,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
  await install();
}
