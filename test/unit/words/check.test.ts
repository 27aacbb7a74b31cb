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

  test("such as, such a, no such and the like stay, and what cannot be told apart", async () => {
    const text =
      "A tool such as psql. Such a tool. The setting, as such. No such file. /no/such/file. They cannot be told apart.\n";
    expect(await checkMarkdown(text)).toEqual([]);
    expect(places(await checkMarkdown("The gate has such settings.\n"))).toEqual(['1:14 "such"']);
  });

  test("a Go on something stays, but nothing goes on", async () => {
    expect(await checkMarkdown("It asks for a Go on an instance. A late Go on the old link.\n")).toEqual([]);
    expect(places(await checkMarkdown("Runs go on. A run goes on.\n"))).toEqual([
      '1:6 "go on"',
      '1:19 "goes on"',
    ]);
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

  test("a finding after code of several lines in a template has its own line", () => {
    expect(places(checkTypeScript(`const a = \`\${f(\n  1,\n)} it\nsays so\`;\n`))).toEqual(['4:1 "says"']);
  });

  test("texts in a template's code are read at any depth, after braces in strings and expressions too", () => {
    const source = [
      `const a = html\`<p>\${all.map(({ b }) => ({ c: { d: \`it \${f({ e: "}" })} tells\` } }))}`,
      `\${/[}\`]/.test(b) && html\`<b>whom it concerns</b>\`} says</p>\`;`,
      "// it told",
    ].join("\n");
    expect(places(checkTypeScript(source))).toEqual([
      '1:72 "tells"',
      '2:29 "whom"',
      '2:52 "says"',
      '3:7 "told"',
    ]);
  });

  test("a path with code in it is a name", () => {
    expect(checkTypeScript(`const name = \`gates/\${gate}-\${attempt}/told\`;\n`)).toEqual([]);
  });

  test("names of states stay, but no text that contains one", () => {
    const source = 'task("Tell everyone");\ntask("Tell everyone again");\n';
    expect(places(checkTypeScript(source))).toEqual(['2:7 "Tell"']);
  });

  test("code in a comment is not read", () => {
    expect(places(checkTypeScript("/** `anew`: it was written anew. */\n"))).toEqual(['1:28 "anew"']);
  });

  test("names, keys, paths and regular expressions are code", () => {
    const source = 'tell(told, "says", "docs/tells.md", /it says (\\w+)/);\nconst whom = a / b / says;\n';
    expect(checkTypeScript(source)).toEqual([]);
  });
});
