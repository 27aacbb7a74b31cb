import { isPostgresError, SluiceError } from "../../lambdas/shared/errors.ts";
import { ImportError } from "../../lib/import/source.ts";
import { PlanError, PlanErrors } from "../../lib/plan/plan-error.ts";
import { SettingsError } from "../../lib/settings.ts";
import { UsageError } from "../../local/events.ts";

/** What helps against what the operating system said, by its code. */
const SYSTEM: Readonly<Record<string, string>> = {
  EACCES: "this process may not do that there. Look at its owner and its rights, or give another place",
  EPERM: "this process may not do that there. Look at its owner and its rights, or give another place",
  EROFS: "it is on a file system that is read-only. Give a place that can be written to",
  ENOSPC: "the disk is full. Make room, or give a place on another one",
  EDQUOT: "the disk quota is used up. Make room, or give another place",
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a file is where a folder must be. Look at the path",
  EEXIST: "something else is there already. Look at the path, or give another one",
  EISDIR: "a folder is where a file must be. Look at the path",
  ENOTEMPTY: "the folder is not empty. Give another one",
  ELOOP: "its symbolic links lead in a circle. Look at where they lead",
  ENAMETOOLONG: "the name is too long for the file system. Give a shorter one",
  EMFILE: "this process has too many files open. Raise the limit: ulimit -n 4096",
  ENFILE: "this machine has too many files open. Close some, or raise fs.file-max",
  EBUSY: "something else uses it. Try again when that has ended",
  ETXTBSY: "something else uses it. Try again when that has ended",
  EFBIG: "the file would be too large for the file system. Give another place",
  EIO: "the disk does not work as it should. Look at the system's log",
  EXDEV: "the two places are on different file systems. Give a folder that is on one",
  ENOTSUP: "the file system cannot do that. Give a folder on another one",
  EOPNOTSUPP: "the file system cannot do that. Give a folder on another one",
  EINVAL: "the system does not take that. Look at the path",
  ENOMEM: "this machine has no memory left. End something else, or take a larger one",
  EAGAIN: "this machine has no room for it just now. Try again",
  EADDRINUSE: "another program has that port. End it, or try again",
  EADDRNOTAVAIL: "this machine has no such address. The gates' pages need 127.0.0.1",
};

/** What helps against what PostgreSQL said, by the SQLSTATE or its class. */
const SERVER: Readonly<Record<string, string>> = {
  "25006": "The session is read-only: take a role that may write, on a server that is no standby.",
  "28": "Look at the role, its password and pg_hba.conf.",
  "3D": "Look at the name after the URL's last slash.",
  "42501": "The role lacks a right. Connect as a role that has it, or have it granted.",
  "53100": "The server's disk is full: make room there.",
  "53200": "The server has no memory left.",
  "53300": "End sessions that are idle, or raise the connection limit.",
  "55006": "Sessions are connected to it: end them, and try again.",
  "55P03": "Something else has it locked. Try again when that has ended.",
  "57014": "Something cancelled the statement. Look for who, or for a statement_timeout.",
  "08": "The connection broke. Look at the network, and try again.",
  "53": "The server is short of something.",
  "57P": "The server ended the session. Look at its log, and try again when it is back.",
  "58": "The server could not use one of its files. Look at its log.",
  XX: "The server found a fault in itself. Look at its log.",
};

/**
 * What is wrong outside of Sluice, and what helps; undefined for what can only be a fault of its own. Everything that
 * carries a code of the system's, the network's or the server's is theirs.
 */
export function mistakeIn(error: unknown): string | undefined {
  if (
    error instanceof PlanErrors ||
    error instanceof PlanError ||
    error instanceof UsageError ||
    error instanceof SettingsError ||
    error instanceof ImportError
  )
    return error.message;
  if (error instanceof SluiceError) return error.message;
  if (isPostgresError(error)) return ofServer(error);
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError)
    return undefined;
  const { code, syscall, path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  if (code === undefined || syscall === undefined) return undefined;
  const where = [path, dest].filter((place) => place !== undefined).join(" and ");
  return `${where === "" ? syscall : where}: ${SYSTEM[code] ?? error.message}. (${code}, ${syscall})`;
}

/** The same as lines of an error's output, a line for each mistake of a plan. */
export function errorLines(error: unknown): string[] | undefined {
  const mistake = mistakeIn(error);
  if (mistake === undefined) return undefined;
  const mistakes = error instanceof PlanErrors ? error.mistakes.map(({ message }) => message) : [mistake];
  return mistakes.map((one) => `error: ${one}`);
}

function ofServer({
  code,
  message,
  detail,
  hint,
}: Error & { code: string; detail?: string; hint?: string }): string {
  const helps = Object.keys(SERVER)
    .filter((key) => code.startsWith(key))
    .sort((a, b) => b.length - a.length)[0];
  return [
    /^(08|28|3D)/.test(code)
      ? `The database cannot be reached: ${message} (${code})`
      : `The server said: ${message} (${code})`,
    ...(detail ? [`Detail: ${detail}`] : []),
    ...(hint ? [`Hint: ${hint}`] : []),
    ...(helps === undefined ? [] : [SERVER[helps]]),
  ].join("\n  ");
}
