#!/usr/bin/env node
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

if (existsSync(here("./sluice.ts"))) {
  // The repository's sources, with its own settings for TypeScript, in whatever folder the command is called.
  const { register } = await import("tsx/esm/api");
  register({ tsconfig: here("../tsconfig.json") });
  await import("./sluice.ts");
} else await import("../dist/bin/sluice.js");
