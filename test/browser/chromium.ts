import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Only the page: no first-run questions, and no calls by the browser itself. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * Returns the path of Chromium: SLUICE_CHROMIUM, or one of the usual places.
 * @throws Error that states what is needed
 */
export function chromiumPath(): string {
  const given = process.env.SLUICE_CHROMIUM;
  const found = (given === undefined ? PLACES : [given]).find((path) => existsSync(path));
  if (found) return found;
  throw new Error(
    given === undefined
      ? `The browser tests need Chromium, and there is none at ${PLACES.join(", ")}. Install it (apt-get install -y chromium), or say where it is in SLUICE_CHROMIUM.`
      : `There is no Chromium at ${given}, the path in SLUICE_CHROMIUM.`,
  );
}

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath(), headless: true, args: ARGUMENTS });
}
