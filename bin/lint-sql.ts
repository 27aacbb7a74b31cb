import { loadPlan } from "../lib/plan/compile.ts";
import { squawkFindings } from "../local/squawk.ts";
import { USAGE } from "./commands/exit-codes.ts";
import { mistakeIn } from "./commands/mistake.ts";

// `npm run lint:sql [PLAN]`

const folder = process.argv[2] ?? "sql/knowledge-graph";
try {
  const { plan } = await loadPlan(folder);
  const findings = await squawkFindings(folder, plan);
  if (!findings) throw new Error("squawk-cli is not installed: npm ci");
  for (const { file, line, rule, message } of findings)
    process.stdout.write(`${file}:${line}: ${rule}: ${message}\n`);
  process.exitCode = findings.length > 0 ? 1 : 0;
} catch (error) {
  const mistake = mistakeIn(error);
  if (mistake === undefined) throw error;
  console.error(`error: ${mistake}`);
  process.exitCode = USAGE;
}
