import { describe, expect, test } from "vitest";
import { lacksSharedMemory } from "../../lambdas/migrate/resources.ts";
import { describeStatementError } from "../../lambdas/shared/statement-error.ts";

const failing = (sql: string, at: string, line = 7) => {
  const position = String([...sql.slice(0, sql.indexOf(at))].length + 1);
  const error = Object.assign(new Error("no"), { code: "42703", position });
  return describeStatementError("m.sql", "step", { sql, line }, error).split("\n");
};

describe("the caret under a failed statement marks the server's position", () => {
  test.each([
    ["at its beginning", "SELEC 1", "SELEC", "     7 | SELEC 1", "         ^"],
    ["in its middle", "SELECT nix", "nix", "     7 | SELECT nix", "                ^"],
    ["after a tab, which stays one", "\tSELECT nix", "nix", "     7 | \tSELECT nix", "         \t       ^"],
    [
      "after wide characters",
      "SELECT '漢字', nix",
      "nix",
      "     7 | SELECT '漢字', nix",
      "                        ^",
    ],
    [
      "after astral characters",
      "SELECT '𝕏', nix",
      "nix",
      "     7 | SELECT '𝕏', nix",
      "                     ^",
    ],
    ["after an emoji", "SELECT '🚀', nix", "nix", "     7 | SELECT '🚀', nix", "                      ^"],
    [
      "after an accent of its own",
      "SELECT 'e\u0301', nix",
      "nix",
      "     7 | SELECT 'e\u0301', nix",
      "                     ^",
    ],
  ])("%s", (_, sql, at, line, caret) => {
    expect(failing(sql, at).slice(1, 3)).toEqual([line, caret]);
  });

  test("on a later line, with its line number, also if that is long", () => {
    expect(failing("SELECT '𝕏',\n  nix", "nix", 99_999)).toEqual([
      "m.sql:100000: step: no (42703)",
      "  100000 |   nix",
      "             ^",
    ]);
  });

  test("and line ends of another system do not shift it", () => {
    expect(failing("SELECT 1,\r\n  nix\r\n", "nix").slice(1, 3)).toEqual(["     8 |   nix", "           ^"]);
  });
});

describe("a build runs without workers", () => {
  const failed = (code: string, message: string) =>
    new Error("the step failed", { cause: Object.assign(new Error(message), { code }) });
  const posix =
    'could not resize shared memory segment "/PostgreSQL.123" to 16777216 bytes: No space left on device';
  test.each([
    ["53100", posix],
    ["53100", "konnte Shared-Memory-Segment »/PostgreSQL.123« nicht verändern"],
    ["58P01", 'could not open file "pg_dynshmem/mmap.123"'],
    ["53200", "out of memory"],
  ])("if shared memory for them is missing: %s %s", (code, message) => {
    expect(lacksSharedMemory(failed(code, message))).toBe(true);
  });

  test.each([
    ["53100", 'could not extend file "base/5/16385": No space left on device'],
    ["53300", "too many connections"],
    ["53400", "temporary file size exceeds temp_file_limit"],
    ["58030", 'could not read blocks in file "base/5/16385": Input/output error'],
  ])("and not if another resource is missing, which a retry does not fix: %s %s", (code, message) => {
    expect(lacksSharedMemory(failed(code, message))).toBe(false);
  });
});
