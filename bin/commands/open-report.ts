import { print } from "../../local/terminal/streams.ts";
import type { Context } from "./context.ts";

/** Opens the report for people to look at. Where nothing can, as on a server, it says so: nothing else is lost by it. */
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
