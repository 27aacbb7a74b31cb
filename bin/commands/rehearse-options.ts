import { userInfo } from "node:os";
import { type CopyHow, type RehearseOptions, UsageError } from "../../local/events.ts";
import { addressIn } from "../../local/server/address.ts";

/** The flags of `sluice rehearse` as commander hands them over. */
export interface RehearseFlags {
  plan: string;
  out?: string;
  rehearse: "before" | "inside";
  fence: "connect" | "none";
  yes?: boolean;
  noGo?: string[];
  fail?: string[];
  json?: boolean;
  verbose?: boolean;
  quiet?: boolean;
  open?: boolean;
  databaseUrl?: string;
  apply?: boolean;
  copy?: CopyHow;
  markdown?: string;
  since?: string;
  annotations?: "github";
}

/**
 * What a run is asked to do.
 * @throws UsageError for flags that do not go together
 */
export function rehearseOptions(
  flags: RehearseFlags,
  user: string,
  platform: NodeJS.Platform = process.platform,
): RehearseOptions {
  const { plan, out, rehearse, fence, databaseUrl, apply = false, copy, yes, noGo = [], fail } = flags;
  if (databaseUrl !== undefined) addressIn(databaseUrl);
  if (apply && databaseUrl === undefined)
    throw new UsageError("--apply needs --database-url: without one there is nothing to apply to.");
  if (apply && (yes || noGo.length > 0))
    throw new UsageError(
      `${yes ? "--yes" : "--no-go"} does not go with --apply: a Go for a real database is a person's.`,
    );
  if (apply && fail)
    throw new UsageError("--fail does not go with --apply: a drill must break nothing real.");
  if (flags.quiet && flags.verbose) throw new UsageError("--quiet and --verbose do not go together.");
  if (flags.since !== undefined && flags.markdown === undefined)
    throw new UsageError("--since needs --markdown, which shows what has changed.");
  if (copy !== undefined && databaseUrl === undefined)
    throw new UsageError("--copy needs --database-url: without one there is nothing to copy.");
  if (copy !== undefined && copy !== "template" && platform === "win32")
    throw new UsageError(
      `--copy ${copy} is not to be had on Windows, where nothing would remove such a copy if this command were killed. Leave it out, or run Sluice in the Windows Subsystem for Linux.`,
    );
  if (copy === "physical" && apply)
    throw new UsageError(
      "--copy physical does not go with --apply: such a copy is another server, and the way back needs one on this. Rehearse with it first, without --apply.",
    );
  return {
    plan,
    rehearse,
    fence,
    apply,
    startedBy: user,
    ...(fail === undefined ? {} : { fail }),
    ...(out === undefined ? {} : { out }),
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    ...(copy === undefined ? {} : { copy }),
  };
}

/** @throws UsageError for a gate that the plan does not have */
export function checkGateNames(given: readonly string[], known: readonly string[]): void {
  const unknown = given.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--no-go ${unknown}: the plan has no such gate. Its gates: ${known.join(", ")}.`);
}

export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // Containers run processes under numbers that have no name.
    return process.env.USER || "unknown";
  }
}
