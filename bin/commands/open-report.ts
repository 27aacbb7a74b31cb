import { print } from "../../local/terminal/streams.ts";
import type { Context } from "./context.ts";

/** Opens the report for people. Where nothing can open it, as on a server, it prints so: the run is unaffected. */
export async function openReport(
  path: string,
  { open, streams }: Pick<Context, "open" | "streams">,
): Promise<void> {
  try {
    await open(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    print(streams.stderr, [`Nothing here opens ${path}: ${why}`]);
  }
}
