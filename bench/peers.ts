import { execFile } from "node:child_process";
import { access, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export const run = promisify(execFile);

/** Other migration tools, which only the bench needs. They are installed beside the project, in these versions. */
const PEERS = { dbmate: "2.36.0", "node-pg-migrate": "9.0.0", pg: "8.23.1" };

/** Returns the folder of the other tools' commands. Installs them the first time. */
export async function peers(): Promise<string> {
  const versions = Object.entries(PEERS).map(([name, version]) => `${name}@${version}`);
  const folder = join(tmpdir(), `sluice-bench-${versions.join("-").replace(/[^\w.-]/g, "")}`);
  const bin = join(folder, "node_modules", ".bin");
  const there = await access(join(bin, "dbmate")).then(
    () => true,
    () => false,
  );
  if (!there) {
    await mkdir(folder, { recursive: true });
    await run("npm", ["install", "--no-audit", "--no-fund", "--prefix", folder, ...versions]);
  }
  return bin;
}
