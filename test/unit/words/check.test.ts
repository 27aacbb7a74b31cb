import { describe, expect, test } from "vitest";
import { checkMarkdown, checkTypeScript } from "../../../bin/words/check.ts";

const places = (findings: { line: number; column: number; text: string }[]) =>
  findings.map(({ line, column, text }) => `${line}:${column} ${text.split(":")[0]}`);

describe("in a document", () => {
  test("a word that we avoid is found with its place, and with what to write instead", async () => {
    const [found] = await checkMarkdown("# Help\n\nThe flag `-h`\ntells how it is used.\n");
    expect(found).toEqual({ line: 4, column: 1, text: '"tells": show, report, notify, distinguish' });
  });

  test("words in headings, lists, links and cells of tables are found", async () => {
    const text = "# Whom\n\n- told\n- [tell](a.md)\n\n| a | b |\n|---|---|\n| c | it says |\n";
    expect(places(await checkMarkdown(text))).toEqual([
      '1:3 "Whom"',
      '3:3 "told"',
      '4:4 "tell"',
      '8:10 "says"',
    ]);
  });

  test("code, addresses and HTML comments are not read", async () => {
    const text = "```\ntells\n```\n\n`told` [a](tell.md#whom)\n\n<!-- says -->\n";
    expect(await checkMarkdown(text)).toEqual([]);
  });

  test("a repeated word and a wrong article are found, but no repetition across cells", async () => {
    const text = "It is the the end of an run.\n\n| a | b |\n|---|---|\n| your own | own way |\n";
    expect(places(await checkMarkdown(text)).map((place) => place.split(" ")[0])).toEqual(["1:7", "1:22"]);
  });

  test("such as, such a and similar stay", async () => {
    expect(await checkMarkdown("A tool such as psql. Such a tool. The setting, as such.\n")).toEqual([]);
  });
});

describe("in TypeScript", () => {
  test("comments, strings and templates are read, each with its place", () => {
    const source = [
      "// It tells a lot.",
      "/**",
      " * Whom it may concern.",
      " */",
      'const a = "it says so";',
      `const b = \`told \${says(a)} twice\`;`,
    ].join("\n");
    expect(places(checkTypeScript(source))).toEqual([
      '1:7 "tells"',
      '3:4 "Whom"',
      '5:15 "says"',
      '6:12 "told"',
    ]);
  });

  test("names, keys, paths and regular expressions are code", () => {
    const source = 'tell(told, "says", "docs/tells.md", /it says (\\w+)/);\nconst whom = a / b / says;\n';
    expect(checkTypeScript(source)).toEqual([]);
  });
});
