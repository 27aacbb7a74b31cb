import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { onTestFinished } from "vitest";

/** Where pictures of the pages go; CI keeps them. */
export const PICTURES = "test-results/browser";

export const PHONE: BrowserContextOptions = {
  viewport: { width: 360, height: 740 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};

/** A person with a browser of their own, in which the link was opened. */
export async function visit(
  browser: Browser,
  link: string,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1000, height: 900 }, ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.goto(link);
  return page;
}

/** Fills in all that a Go for production needs. */
export async function fillGo(page: Page, by: string, comment = ""): Promise<void> {
  for (const box of await page.getByRole("checkbox").all()) await box.check();
  const go = page.getByRole("form", { name: "Go", exact: true });
  await go.getByLabel("Your name").fill(by);
  const typed = go.getByLabel(/^Type orders-production/);
  if ((await typed.count()) > 0) await typed.fill("orders-production");
  await go.getByLabel("Comment").fill(comment);
}

export async function fillNoGo(page: Page, by: string, why: string): Promise<void> {
  const noGo = page.getByRole("form", { name: "No-Go" });
  await noGo.getByLabel("Your name").fill(by);
  await noGo.getByLabel("Reason").fill(why);
}

export const goButton = (page: Page) => page.getByRole("button", { name: "Go", exact: true });

/** Sends a form, and waits until the answer is there. */
export const pressGo = (page: Page) => press(page, goButton(page));
export const pressNoGo = (page: Page) => press(page, page.getByRole("button", { name: "No-Go" }));

async function press(page: Page, button: Locator): Promise<void> {
  await Promise.all([page.waitForEvent("domcontentloaded"), button.click()]);
}

export const heading = (page: Page) => page.getByRole("heading", { level: 1 }).innerText();

export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
}
