import { readFile } from "node:fs/promises";
import * as z from "zod";

const cdkFile = z.object({
  context: z.object({ sluice: z.object({ databases: z.array(z.unknown()).min(1) }) }),
});

/** How many databases the settings in this folder have; 1 if there are no settings here. */
export async function databasesHere(): Promise<number> {
  try {
    const { success, data } = cdkFile.safeParse(JSON.parse(await readFile("cdk.json", "utf8")));
    return success ? data.context.sluice.databases.length : 1;
  } catch {
    // Commands that need the settings report what is wrong with the file.
    return 1;
  }
}
