import { Signer } from "@aws-sdk/rds-signer";
import type { Endpoint } from "../ports.ts";
import type { Credentials } from "./master-secret.ts";

/** A token that IAM vouches for in place of a password: made here, for this endpoint, good for 15 minutes. */
export async function* iamCredentials(
  username: string,
  { host: hostname, port }: Endpoint,
): AsyncGenerator<Credentials> {
  yield { username, password: await new Signer({ hostname, port, username }).getAuthToken() };
}
