import { userInfo } from "node:os";
import { type CopyHow, type RehearseOptions, UsageError } from "../../local/events.ts";
import { addressIn } from "../../local/server/address.ts";

/** The flags of `sluice rehearse` as commander returns them. */
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
 * Options of a run, from the flags.
 * @throws UsageError for flags that exclude each other
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
      `--copy ${copy} does not work on Windows: nothing would remove the copy if this command were killed. Leave it out, or run Sluice in the Windows Subsystem for Linux.`,
    );
  if (copy === "physical" && apply)
    throw new UsageError(
      "--copy physical does not go with --apply: the copy is a server of its own, and the way back needs a copy on the same server. First rehearse with --copy physical, without --apply.",
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
    // In a container, a process may run under a user id that has no name.
    return process.env.USER || "unknown";
  }
}
