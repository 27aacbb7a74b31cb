import { writeFileSync } from "node:fs";
import { madeFiles } from "./made.ts";

for (const [path, text] of await madeFiles()) writeFileSync(path, text);
