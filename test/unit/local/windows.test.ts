import { win32 } from "node:path";
import { expect, test } from "vitest";
import { rehearseOptions } from "../../../bin/commands/rehearse-options.ts";
import { portable } from "../../../lib/portable.ts";
import { isOpenTo, ownFile } from "../../../local/server/own-files.ts";

// Rules for Windows, tested on other systems.

test("paths that others read have /", () => {
  expect(portable(win32.join("sql", "orders", "001_x\\migrate.sql"), win32.sep)).toBe(
    "sql/orders/001_x/migrate.sql",
  );
  expect(portable("C:\\shop\\sql", win32.sep)).toBe("C:/shop/sql");
  // Elsewhere a \ is an ordinary character.
  expect(portable("a\\b/c", "/")).toBe("a\\b/c");
});

test("a user's own files are where libpq has them, and their mode is not checked", () => {
  const env = { APPDATA: "C:\\Users\\me\\AppData\\Roaming" };
  expect(ownFile("passwords", "win32", env)).toBe("C:\\Users\\me\\AppData\\Roaming\\postgresql\\pgpass.conf");
  expect(ownFile("root.crt", "win32", env)).toBe("C:\\Users\\me\\AppData\\Roaming\\postgresql\\root.crt");
  expect(ownFile("services", "win32", {})).toMatch(/\\AppData\\Roaming\\postgresql\\\.pg_service\.conf$/);
  expect(isOpenTo({ mode: 0o666 }, 0o077, "win32")).toBe(false);
  expect(isOpenTo({ mode: 0o644 }, 0o077, "linux")).toBe(true);
});

test.each(["dump", "physical"] as const)("--copy %s is refused there before anything is done", (copy) => {
  const flags = { plan: ".", rehearse: "before", fence: "connect", databaseUrl: "postgres://h/app" } as const;
  expect(() => rehearseOptions({ ...flags, copy }, "me", "win32")).toThrow(
    new RegExp(`^--copy ${copy} does not work on Windows`),
  );
  expect(rehearseOptions({ ...flags, copy: "template" }, "me", "win32").copy).toBe("template");
  expect(rehearseOptions({ ...flags, copy }, "me", "linux").copy).toBe(copy);
});
