import { outliveReaders } from "../local/terminal/streams.ts";
import { main } from "./commands/main.ts";

outliveReaders(process);

const code = await main(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signals: process,
});
// What was left behind by leaving at once must not keep the process; what was printed must still arrive.
process.stdout.write("", () => process.exit(code));
