import { main } from "./commands/main.ts";

// A reader that goes away, such as `head`, must not end a run that is under way.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });

const code = await main(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signals: process,
});
// What was left behind by leaving at once must not keep the process; what was printed must still arrive.
process.stdout.write("", () => process.exit(code));
