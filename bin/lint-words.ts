import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { checkMarkdown, checkTypeScript } from "./words/check.ts";

// `npm run lint:words [-- FILE...]`: all documents and all TypeScript, or the given files.

const named = process.argv.slice(2);
const files =
  named.length > 0
    ? named
    : execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.md", "*.ts"], { encoding: "utf8" })
        .split("\n")
        // The vocabulary itself, the examples of its test, and texts that tests keep.
        .filter(
          (file) => file !== "" && !/^(bin\/words\/vocabulary\.ts|test\/(unit\/words|plans)\/)/.test(file),
        );

let count = 0;
for (const file of files) {
  const text = readFileSync(file, "utf8");
  const findings = file.endsWith(".md") ? await checkMarkdown(text) : checkTypeScript(text);
  for (const { line, column, text: found } of findings)
    process.stdout.write(`${file}:${line}:${column}: ${found}\n`);
  count += findings.length;
}
process.stdout.write(`${files.length} files, ${count} findings\n`);
process.exitCode = count > 0 ? 1 : 0;
