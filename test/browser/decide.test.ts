import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Doc } from "../../lambdas/shared/documents.ts";
import { launch } from "./chromium.ts";
import { MINUTES, stage } from "./stage.ts";
import { fillGo, fillNoGo, goButton, heading, picture, pressGo, pressNoGo, visit } from "./visitor.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

describe("a person at the gate", () => {
  test("reads, ticks, types and presses Go, and sees what happens next", async () => {
    const { link, decision, ports } = await stage();
    const page = await visit(browser, link);
    expect(await page.title()).toBe("Go to production? orders-production");
    await picture(page, "gate");
    await fillGo(page, "Ada Lovelace", "Staging looks good.");
    await pressGo(page);
    expect(await heading(page)).toBe("Your Go is given");
    await picture(page, "go-given");
    expect(await decision()).toMatchObject({
      decision: "Go",
      by: "Ada Lovelace",
      comment: "Staging looks good.",
      ticked: { length: 3 },
    });
    expect(ports.callbacks.calls).toEqual([{ token: "token", output: { decision: "Go" } }]);
  });

  test("gives a No-Go with a reason, without ticking anything", async () => {
    const { link, decision } = await stage();
    const page = await visit(browser, link);
    await fillNoGo(page, "Ada Lovelace", "The dashboards are red.\nNot tonight.");
    await pressNoGo(page);
    expect(await heading(page)).toBe("Your No-Go is given");
    await picture(page, "no-go-given");
    expect(await decision()).toMatchObject({
      decision: "NoGo",
      comment: "The dashboards are red.\nNot tonight.",
    });
  });

  test("does the same without JavaScript", async () => {
    const { link, decision } = await stage();
    const page = await visit(browser, link, { javaScriptEnabled: false });
    await fillGo(page, "Ada Lovelace");
    await pressGo(page);
    expect(await heading(page)).toBe("Your Go is given");
    expect(await decision()).toMatchObject({ decision: "Go" });
  });

  test("cannot press Go before everything is ticked and typed: the browser shows what is missing", async () => {
    const { link, decision } = await stage();
    const page = await visit(browser, link);
    await goButton(page).click();
    expect(await heading(page)).toBe("Go to production?");
    expect(await page.getByRole("form", { name: "Go", exact: true }).locator("input:invalid").count()).toBe(
      5,
    );
    expect(await decision()).toBeUndefined();
  });

  test("who makes mistakes sees all of them together, and finds what was typed", async () => {
    const { link, decision } = await stage();
    const page = await visit(browser, link);
    await fillGo(page, "grace hopper", "so far so good");
    await page.getByLabel(/^Type orders-production/).fill("orders");
    await pressGo(page);
    const alert = page.getByRole("alert");
    expect(await alert.getByRole("link").allInnerTexts()).toEqual([
      "Type orders-production exactly as shown.",
      "Grace Hopper started this run. Another person must give the Go for production.",
    ]);
    // The mistakes have the focus, so that they are read first.
    expect(await page.locator(":focus").getAttribute("role")).toBe("alert");
    await picture(page, "not-yet");
    await alert.getByRole("link").first().click();
    expect(new URL(page.url()).hash).toBe("#go-instance");
    expect(await page.getByLabel("Comment").inputValue()).toBe("so far so good");
    expect(await page.getByRole("checkbox", { checked: true }).count()).toBe(3);
    await fillGo(page, "Ada Lovelace");
    await pressGo(page);
    expect(await decision()).toMatchObject({ by: "Ada Lovelace" });
  });
});

describe("one decision", () => {
  test("results from a double click, and its page shows that it is given", async () => {
    const { link, decision, ports } = await stage();
    const page = await visit(browser, link);
    await fillGo(page, "Ada Lovelace");
    await goButton(page).dblclick();
    await page.getByRole("heading", { name: "Your Go is given" }).waitFor();
    expect(await decision()).toMatchObject({ by: "Ada Lovelace" });
    expect(ports.callbacks.calls.map(({ output }) => output)).toEqual([{ decision: "Go" }]);
  });

  test("stays when its sender goes back and answers otherwise", async () => {
    const { link, decision } = await stage();
    const page = await visit(browser, link);
    await fillNoGo(page, "Ada Lovelace", "Not tonight.");
    await pressNoGo(page);
    await page.goBack();
    // The browser stores none of these pages, so going back requests the page again, which shows the decision.
    expect(await heading(page)).toBe("This gate is decided: No-Go");
    expect(await page.getByRole("button").count()).toBe(0);
    await picture(page, "answered");
    await page.goForward().catch(() => undefined);
    expect(await decision()).toMatchObject({ decision: "NoGo" });
  });

  test("is made by one of two simultaneous answers, and the other person sees whose answer counts", async () => {
    const { link, decision, ports } = await stage();
    const [ada, alan] = [await visit(browser, link), await visit(browser, link)];
    await fillGo(ada, "Ada Lovelace");
    await fillNoGo(alan, "Alan Turing", "Not tonight.");
    await Promise.all([pressGo(ada), pressNoGo(alan)]);
    const headings = await Promise.all([heading(ada), heading(alan)]);
    const made = await decision();
    const word = made?.decision === "Go" ? "Go" : "No-Go";
    expect(headings.sort()).toEqual([
      `Not counted: this gate was already decided (${word})`,
      `Your ${word} is given`,
    ]);
    await picture(made?.decision === "Go" ? alan : ada, "not-counted");
    expect(ports.callbacks.calls.map(({ output }) => output)).toEqual([{ decision: made?.decision }]);
  });

  test("that needs two people takes two, who see each other's Go", async () => {
    const { link, decision } = await stage({ approvals: 2 });
    const [ada, alan] = [await visit(browser, link), await visit(browser, link)];
    await fillGo(ada, "Ada Lovelace", "Fine with me.");
    await fillGo(alan, "Alan Turing");
    await pressGo(ada);
    expect(await heading(ada)).toBe("Your Go is counted");
    await picture(ada, "counted");
    await ada.goBack();
    await ada.getByText("Go so far: 1 of 2").waitFor();
    await picture(ada, "one-of-two");
    await fillGo(ada, "ADA LOVELACE");
    await pressGo(ada);
    expect(await heading(ada)).toBe("Not counted: this name has already given a Go");
    expect(await decision()).toBeUndefined();
    await pressGo(alan);
    expect(await heading(alan)).toBe("Your Go is given");
    expect(await decision()).toMatchObject({ by: "Ada Lovelace and Alan Turing" });
  });

  test("is not made by a page that was opened in time and sent too late", async () => {
    const { link, decision, ports } = await stage();
    const page = await visit(browser, link);
    await fillGo(page, "Ada Lovelace");
    ports.clock.pass(MINUTES * 60_000);
    await pressGo(page);
    expect(await heading(page)).toBe("The time to answer is over");
    await picture(page, "expired");
    expect(await decision()).toBeUndefined();
  });

  test("is not made by a page that a newer link superseded", async () => {
    const { link, escalate, decision } = await stage();
    const page = await visit(browser, link);
    await fillGo(page, "Ada Lovelace");
    const newer = await visit(browser, await escalate());
    await newer.getByText("Nobody decided this gate in time.").waitFor();
    await pressGo(page);
    expect(await heading(page)).toBe("A newer link replaces this one");
    await picture(page, "superseded");
    expect(await decision()).toBeUndefined();
    await fillGo(newer, "Alan Turing");
    await pressGo(newer);
    expect(await decision(2)).toMatchObject({ by: "Alan Turing" });
  });

  test("is not made on a page whose evidence has changed since it was read", async () => {
    const { link, decision, ports } = await stage();
    const page = await visit(browser, link);
    await fillGo(page, "Ada Lovelace");
    const failure = { state: "Watch", error: "Bad", message: "It broke.", at: "2026-11-03T03:00:00.000Z" };
    const run = [...ports.evidence.files.keys()][0]?.split("/")[1];
    const name = Doc.failure(new Date(failure.at), "watch");
    ports.evidence.files.set(`runs/${run}/${name}.json`, JSON.stringify(failure));
    await pressGo(page);
    await page.getByText("This page has changed since you opened it.").waitFor();
    expect(await decision()).toBeUndefined();
    await page.getByText("It broke.").waitFor();
  });
});
