import { describe, expect, test } from "vitest";
import { escapeHtml, html, raw } from "../../lambdas/shared/html.ts";

describe("the html template", () => {
  test("escapes every value, in text and in quoted attributes", () => {
    const evil = `"><b onclick='x'>&`;
    expect(String(html`<p title="${evil}">${evil}</p>`)).toBe(
      '<p title="&quot;&gt;&lt;b onclick=&#39;x&#39;&gt;&amp;">&quot;&gt;&lt;b onclick=&#39;x&#39;&gt;&amp;</p>',
    );
  });
  test("takes markup made by itself or by raw unchanged, also in lists", () => {
    expect(String(html`<ul>${["<a>", "b"].map((item) => html`<li>${item}</li>`)}</ul>${raw("<hr>")}`)).toBe(
      "<ul><li>&lt;a&gt;</li><li>b</li></ul><hr>",
    );
  });
  test("leaves out null, undefined and false, and shows 0", () => {
    expect(String(html`${null}${undefined}${false}${0}`)).toBe("0");
  });
  test("makes characters visible that no page may hold", () => {
    expect(escapeHtml("a\u0000b\u001bc\td\n")).toBe("a␀b␛c\td\n");
  });
});
