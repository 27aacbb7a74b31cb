import { messageOf } from "../errors.ts";
import type { RestoreBegun } from "../ports.ts";
import { awsErrorName } from "./error-name.ts";
import { isBusy, refusal } from "./rds-errors.ts";

/** Settings of a request that can be given afterwards: by what RDS calls its refusal, where that says which it is. */
export interface OptionalPart<R> {
  what: string;
  keys: readonly (keyof R)[];
  named: RegExp;
}

export interface Sending<R> {
  send(request: R): Promise<unknown>;
  parts: readonly OptionalPart<R>[];
  /** What RDS says where it is there already. */
  done: string;
  /** AWS has no room for it now. */
  waits: RegExp;
  /** What was tried, for people. */
  tried: string;
}

/** AWS has no room for a cluster, its storage or its instance right now. */
export const NO_ROOM = /^Insufficient(DBInstance|DBCluster|StorageCluster)Capacity$/;

/** RDS takes a moment only when its archive has come to it; it says so in words alone. */
const TOO_LATE = /cannot be restored to a time later than|latest restorable time/i;

/** A wish of the request is wrong, and RDS does not say by a name which. */
const UNNAMED = /^(InvalidParameter(Value|Combination)?|ValidationError)$/;

/**
 * Sends the request. What is refused and can be given afterwards is left out, and the rest asked for again.
 * @throws SluiceError FleetFailed for what is refused for good
 */
export async function sendWithLess<R extends object>(
  request: R,
  { send, parts, done, waits, tried }: Sending<R>,
): Promise<RestoreBegun | undefined> {
  const without: string[] = [];
  for (let asked = request; ; ) {
    const begun = without.length > 0 ? { without } : undefined;
    try {
      await send(asked);
      return begun;
    } catch (error) {
      const name = awsErrorName(error);
      if (name === done || isBusy(error)) return begun;
      const why = `${name}: ${messageOf(error)}`;
      if (waits.test(name) || (UNNAMED.test(name) && TOO_LATE.test(why))) return { waits: { why }, without };
      const given = parts.filter(({ keys }) => keys.some((key) => asked[key] !== undefined));
      const named = given.filter((part) => part.named.test(name));
      const less = named.length > 0 ? named : UNNAMED.test(name) ? given : [];
      if (less.length === 0) throw refusal(error, tried);
      without.push(`${less.map(({ what }) => what).join(", ")}: ${why}`);
      const keys = less.flatMap((part) => part.keys);
      asked = { ...asked, ...Object.fromEntries(keys.map((key) => [key, undefined])) };
    }
  }
}
