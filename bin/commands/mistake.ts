import { isPostgresError, SluiceError } from "../../lambdas/shared/errors.ts";
import { ImportError } from "../../lib/import/source.ts";
import { PlanError, PlanErrors } from "../../lib/plan/plan-error.ts";
import { SettingsError } from "../../lib/settings.ts";
import { UsageError } from "../../local/events.ts";

/** What to do about an error of the operating system, by its code. */
const SYSTEM: Readonly<Record<string, string>> = {
  EACCES: "this process has no permission for that. Check the owner and the mode, or give another place",
  EPERM: "this process has no permission for that. Check the owner and the mode, or give another place",
  EROFS: "the file system is read-only. Give a place that can be written to",
  ENOSPC: "the disk is full. Make room, or give a place on another disk",
  EDQUOT: "the disk quota is used up. Make room, or give another place",
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a file is where a folder must be. Check the path",
  EEXIST: "something with that name exists already. Check the path, or give another one",
  EISDIR: "a folder is where a file must be. Check the path",
  ENOTEMPTY: "the folder is not empty. Give another one",
  ELOOP: "the symbolic links form a circle. Check where they lead",
  ENAMETOOLONG: "the name is too long for the file system. Give a shorter one",
  EMFILE: "this process has too many files open. Raise the limit: ulimit -n 4096",
  ENFILE: "this machine has too many files open. Close some, or raise fs.file-max",
  EBUSY: "another program uses it. Try again when that program has ended",
  ETXTBSY: "another program uses it. Try again when that program has ended",
  EFBIG: "the file would be too large for the file system. Give another place",
  EIO: "the disk reports a fault. Check the system's log",
  EXDEV: "the two places are on different file systems. Give two places on the same one",
  ENOTSUP: "the file system cannot do that. Give a folder on another one",
  EOPNOTSUPP: "the file system cannot do that. Give a folder on another one",
  EINVAL: "the system rejects the path. Check it",
  ENOMEM: "this machine has no memory left. End another program, or use a larger machine",
  EAGAIN: "this machine is short of processes or memory just now. Try again",
  EADDRINUSE: "another program uses that port. End it, or try again",
  EADDRNOTAVAIL: "this machine has no such address. The gates' pages need 127.0.0.1",
};

/** What to do about an error of PostgreSQL, by its SQLSTATE or the SQLSTATE's class. */
const SERVER: Readonly<Record<string, string>> = {
  "25006": "The session is read-only. Use a role that may write, on a server that is no standby.",
  "28": "Check the role, its password and pg_hba.conf.",
  "3D": "Check the database name after the URL's last slash.",
  "42501": "The role lacks a privilege. Connect as a role that has it, or have it granted.",
  "53100": "The server's disk is full. Make room there.",
  "53200": "The server has no memory left.",
  "53300": "End sessions that are idle, or raise the connection limit.",
  "55006": "Other sessions are connected to the database. End them, and try again.",
  "55P03": "Another session holds the lock. Try again when that session has ended.",
  "57014": "The statement was cancelled. Check for a statement_timeout, and who may have cancelled it.",
  "08": "The connection broke. Check the network, and try again.",
  "53": "The server is short of a resource.",
  "57P": "The server ended the session. Check its log, and try again when it is back.",
  "58": "The server could not use one of its files. Check its log.",
  XX: "The server reports an internal fault. Check its log.",
};

/**
 * What is wrong outside of Sluice, and what to do about it. Undefined means a bug of Sluice. An error with a code of the
 * operating system, the network or the server is never a bug of Sluice.
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

/** The same as lines for standard error: one for each mistake of a plan. */
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
      : `The server reports: ${message} (${code})`,
    ...(detail ? [`Detail: ${detail}`] : []),
    ...(hint ? [`Hint: ${hint}`] : []),
    ...(helps === undefined ? [] : [SERVER[helps]]),
  ].join("\n  ");
}
