#!/usr/bin/env node
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

if (existsSync(here("./sluice.ts"))) {
  // In the repository: its sources, with its own TypeScript settings, from any working directory.
  const { register } = await import("tsx/esm/api");
  register({ tsconfig: here("../tsconfig.json") });
  await import("./sluice.ts");
} else await import("../dist/bin/sluice.js");
