import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

/** Runs a worker in separate processes, so that each can be killed. */
export interface WorkerProcess {
  /** Folder for the tests' other files; deleted with the worker. */
  folder: string;
  /** Runs one process. Resolves to the number that it prints, or to undefined when it was killed. */
  run(order: object): Promise<number | undefined>;
  remove(): Promise<void>;
}

/** @param entry the worker's file, which reads its order as JSON from ORDER */
export async function workerProcess(entry: URL): Promise<WorkerProcess> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-worker-"));
  const worker = join(folder, "worker.mjs");
  await build({
    entryPoints: [entry.pathname],
    outfile: worker,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["pg-native"],
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  return {
    folder,
    run: (order) => run(worker, order),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function run(worker: string, order: object): Promise<number | undefined> {
  const child = spawn(process.execPath, [worker], { env: { ...process.env, ORDER: JSON.stringify(order) } });
  let [out, err] = ["", ""];
  child.stdout.on("data", (data) => {
    out += data;
  });
  child.stderr.on("data", (data) => {
    err += data;
  });
  return new Promise((resolve, reject) => {
    child.on("close", (code, signal) => {
      if (signal === "SIGKILL") resolve(undefined);
      else if (code === 0) resolve(Number(out));
      else reject(new Error(`The worker ended with ${code}: ${err}`));
    });
  });
}
