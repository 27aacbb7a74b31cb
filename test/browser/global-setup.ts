import { mkdir, rm } from "node:fs/promises";
import { chromiumPath } from "./chromium.ts";
import { PICTURES } from "./visitor.ts";

/** Fails before the first test where there is no browser, and makes room for this run's pictures. */
export default async function setup(): Promise<void> {
  chromiumPath();
  await rm(PICTURES, { recursive: true, force: true });
  await mkdir(PICTURES, { recursive: true });
}
