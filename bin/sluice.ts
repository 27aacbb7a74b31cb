import { outliveReaders } from "../local/terminal/streams.ts";
import { main } from "./commands/main.ts";

outliveReaders(process);

const code = await main(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signals: process,
});
// Leaving at once may leave work behind, which must not keep the process alive; printed output must still arrive.
process.stdout.write("", () => process.exit(code));
