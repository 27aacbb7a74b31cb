import { existsSync, readdirSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NAMES = ["postgres", "pg_basebackup", "pg_dump", "pg_restore"];

/**
 * PostgreSQL's programs from the native server's folder, as runnable scripts: one for each, with
 * that folder's own loader and libraries. Undefined without that folder: then the machine's programs are used.
 */
export async function nativePrograms(): Promise<{ bin: string; remove(): Promise<void> } | undefined> {
  const root = process.env.NATIVE_PG_ROOT ?? "/opt/native-postgres";
  const versions = join(root, "usr/lib/postgresql");
  const loader = join(root, "lib64/ld-linux-x86-64.so.2");
  if (!existsSync(versions) || !existsSync(loader)) return undefined;
  const folder = join(versions, readdirSync(versions).sort((a, b) => Number(b) - Number(a))[0] ?? "");
  const libraries = [join(root, "usr/lib/x86_64-linux-gnu"), join(folder, "lib")].join(":");
  const bin = await mkdtemp(join(tmpdir(), "sluice-bin-"));
  await chmod(bin, 0o755);
  for (const name of NAMES)
    await writeFile(
      join(bin, name),
      `#!/bin/sh\nexec ${loader} --library-path ${libraries} ${join(folder, "bin", name)} "$@"\n`,
      { mode: 0o755 },
    );
  return { bin, remove: () => rm(bin, { recursive: true, force: true }) };
}
