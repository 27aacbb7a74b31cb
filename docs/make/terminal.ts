import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { terminalPicture } from "./terminal-picture.ts";

// `npm run docs:terminal`: makes docs/terminal.svg from a real run of the bundled plan.

const ROOT = join(import.meta.dirname, "../..");

const { stdout } = await promisify(execFile)(process.execPath, ["bin/sluice.js", "rehearse", "--yes"], {
  cwd: ROOT,
  maxBuffer: 1e8,
});
writeFileSync(join(ROOT, "docs/terminal.svg"), terminalPicture(stdout.replaceAll(`${ROOT}/`, "")));
