import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { launch } from "./chromium.ts";
import { stage } from "./stage.ts";
import { fillNoGo, heading, PHONE, picture, pressNoGo, visit } from "./visitor.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const width = (page: Page) => page.evaluate<number>("document.documentElement.scrollWidth");
const focused = (page: Page) => page.locator(":focus").innerText();

describe("on a phone", () => {
  test.each(["light", "dark"] as const)(
    "the page fits, and fingers find its controls (%s)",
    async (colorScheme) => {
      for (const kind of ["readiness", "rehearsal", "keep"] as const) {
        const { link } = await stage({ kind });
        const page = await visit(browser, link, { ...PHONE, colorScheme });
        expect(await width(page)).toBeLessThanOrEqual(360);
        for (const control of await page.locator("button, input[type=text], textarea, label.tick").all())
          expect((await control.boundingBox())?.height).toBeGreaterThanOrEqual(40);
        await picture(page, `phone-${kind}-${colorScheme}`);
      }
    },
  );

  test("no text, however long, makes it wider", async () => {
    const long = "x".repeat(400);
    const { link } = await stage({
      settings: { database: long, contacts: [{ role: long, name: long }] },
      request: { startedBy: long, reason: long },
    });
    expect(await width(await visit(browser, link, PHONE))).toBeLessThanOrEqual(360);
  });
});

test("it is shown in the README as phones show it", async () => {
  const { link } = await stage();
  const page = await visit(browser, link, { ...PHONE, deviceScaleFactor: 1, reducedMotion: "reduce" });
  const shots: string[] = [];
  for (const at of ["body", "#measured", "fieldset"]) {
    await page.evaluate(`document.querySelector("${at}").scrollIntoView()`);
    shots.push((await page.screenshot()).toString("base64"));
  }
  const images = shots.map((shot) => `<img src="data:image/png;base64,${shot}">`).join("");
  const frame = await visit(browser, "about:blank", { viewport: { width: 1144, height: 772 } });
  await frame.setContent(`<style>body { margin: 0; padding: 16px; display: flex; gap: 16px; background: #8a939c }
    img { width: 360px; height: 740px }</style>${images}`);
  // docs/gate-page.png is a copy of it.
  await picture(frame, "readme");
});

test("it is readable in the dark", async () => {
  const { link } = await stage();
  await picture(await visit(browser, link, { colorScheme: "dark" }), "gate-dark");
});

test("a window that ends too soon, and a run outside of it, are reported at the top", async () => {
  const window = {
    begins: "2026-11-03T00:00:00.000Z",
    ends: "2026-11-03T02:20:00.000Z",
    override: "The release cannot wait for Sunday",
  };
  const { link } = await stage({
    request: { window },
    settings: {
      maintenanceWindow: { days: ["sun"], from: "01:00", hours: 6, timeZone: "Europe/Berlin" },
    },
  });
  const page = await visit(browser, link);
  await page.getByText("The release cannot wait for Sunday").waitFor();
  await page.getByText("This may not fit into the maintenance window").waitFor();
  await page.getByText("(Tue 03:20 in Europe/Berlin)").first().waitFor();
  await picture(page, "window");
});

describe("with a keyboard alone", () => {
  test("a Go is given from the skip link to the button", async () => {
    const { link, decision } = await stage();
    const page = await visit(browser, link);
    const press = (key: string) => page.keyboard.press(key);
    await press("Tab");
    await page.getByRole("link", { name: "To the decision" }).first().waitFor();
    expect(await focused(page)).toBe("To the decision");
    await press("Enter");
    for (let box = 0; box < 3; box++) {
      await press("Tab");
      await press("Space");
    }
    for (const text of ["Ada Lovelace", "orders-production", "By keyboard."]) {
      await press("Tab");
      await page.keyboard.type(text);
    }
    await press("Tab");
    expect(await focused(page)).toBe("✓ Go");
    await press("Enter");
    await page.getByRole("heading", { name: "Your Go is given" }).waitFor();
    expect(await decision()).toMatchObject({ by: "Ada Lovelace", comment: "By keyboard." });
  });

  test("what has the focus can be seen", async () => {
    const { link } = await stage();
    const page = await visit(browser, link);
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press("Tab");
      const outline = await page.evaluate<string>("getComputedStyle(document.activeElement).outline");
      expect(outline).toMatch(/solid|auto/);
    }
  });
});

test("a screen reader distinguishes the two forms, reads each control's name, and finds headings without a gap", async () => {
  const { link } = await stage({ approvals: 2 });
  const page = await visit(browser, link);
  const go = page.getByRole("form", { name: "Go", exact: true });
  expect(await go.getByRole("textbox").count()).toBe(3);
  expect(
    await go
      .getByRole("group", { name: "I confirm that all of this is true:" })
      .getByRole("checkbox")
      .count(),
  ).toBe(3);
  const noGo = page.getByRole("form", { name: "No-Go" });
  for (const name of ["Your name", /^Reason/]) await noGo.getByRole("textbox", { name }).waitFor();
  for (const landmark of ["banner", "main", "contentinfo"] as const)
    expect(await page.getByRole(landmark).count()).toBe(1);
  const levels = await page
    .getByRole("heading")
    .evaluateAll((all) => all.map((one) => Number(one.tagName.slice(1))));
  expect(levels[0]).toBe(1);
  for (const [i, level] of levels.entries()) expect(level - (levels[i - 1] ?? 1)).toBeLessThanOrEqual(1);
  // The signs beside the words are for eyes.
  expect(await page.getByRole("main").ariaSnapshot()).not.toMatch(/[✓✕]/);
});

test("the page calls nobody, runs nothing, and its own style is the only one its policy allows", async () => {
  const { link } = await stage();
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const [asked, said]: [string[], string[]] = [[], []];
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => said.push(message.text()));
  await page.goto(link);
  expect(asked).toEqual([link]);
  expect(said).toEqual([]);
  expect(await page.evaluate("getComputedStyle(document.body).margin")).toBe("0px");
  await page.evaluate(
    `document.body.append(Object.assign(document.createElement("script"), { textContent: "document.title = 'taken'" }))`,
  );
  expect(await page.title()).not.toBe("taken");
  expect(said.join()).toContain("Content Security Policy");
});

describe("another site that has come by the link", () => {
  /** Serves one page under an origin of its own. */
  async function site(html: string): Promise<string> {
    const server = createServer((_, response) => {
      response.setHeader("content-type", "text/html");
      response.end(html);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  test("cannot send its form, not even with the key and all that was shown", async () => {
    const { link, decision } = await stage();
    const page = await visit(browser, link);
    const key = new URL(link).searchParams.get("key") ?? "";
    const shown = await page.locator("input[name=shown]").first().inputValue();
    const action = link.split("?")[0];
    const fields = { key, shown, decision: "NoGo", by: "Mallory", comment: "because" };
    const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`);
    const evil = await site(
      `<form method="post" action="${action}">${inputs.join("")}</form><script>document.forms[0].submit()</script>`,
    );
    await page.goto(evil);
    await page.getByRole("heading", { name: "This answer did not come from the gate's own page" }).waitFor();
    await picture(page, "foreign");
    expect(await decision()).toBeUndefined();
  });

  test("cannot show the page in a frame", async () => {
    const { link } = await stage();
    const page = await visit(browser, await site(`<iframe src="${link}"></iframe>`));
    const frame = page.frames().find((one) => one !== page.mainFrame());
    expect(frame?.url()).toMatch(/^chrome-error:/);
    expect(await frame?.getByText("Go to production?").count()).toBe(0);
  });

  test("learns nothing of where a reader came from", async () => {
    const { link } = await stage();
    const page = await visit(browser, link);
    const evil = await site("<p>hello</p>");
    const [request] = await Promise.all([
      page.waitForRequest(evil),
      page.evaluate(`location.href = ${JSON.stringify(evil)}`),
    ]);
    expect(request.headers().referer).toBeUndefined();
  });
});

test("a link that is not valid, and an answer that cannot be read, each lead to a page that states it", async () => {
  const { link } = await stage();
  const page = await visit(browser, link.slice(0, -1));
  expect(await heading(page)).toBe("This link is not valid");
  await picture(page, "unknown");
  await page.goto(link);
  await fillNoGo(page, "Ada Lovelace", "x");
  // A name that can be seen only in part; the browser itself lets it through.
  await page.getByRole("form", { name: "No-Go" }).getByLabel("Your name").fill("Ada\u200bLovelace");
  await pressNoGo(page);
  expect(await heading(page)).toBe("This answer cannot be read");
});
