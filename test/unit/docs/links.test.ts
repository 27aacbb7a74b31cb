import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const ROOT = new URL("../../../", import.meta.url).pathname;
const DOCUMENTS = [".", "docs", "findings"].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);

test.each(DOCUMENTS)("every link of %s to a file or a section resolves", (document) => {
  const links = [...readFileSync(join(ROOT, document), "utf8").matchAll(/\]\(([^)\s]+)\)/g)].map(
    ([, link]) => link ?? "",
  );
  for (const link of links.filter((link) => !/^https?:/.test(link))) {
    const [path = "", anchor] = link.split("#");
    const file = path === "" ? document : join(dirname(document), path);
    expect(existsSync(join(ROOT, file)), link).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(file), link).toContain(anchor);
  }
});

test.each(DOCUMENTS)("every file of this repository that %s names exists", (document) => {
  const named = readFileSync(join(ROOT, document), "utf8").matchAll(
    /`((?:bin|lib|lambdas|local|docs|bench|test|findings)\/[\w./-]+)`/g,
  );
  for (const [, path = ""] of named) expect(existsSync(join(ROOT, path)), path).toBe(true);
});

/** As GitHub makes them from headings, and those that are set by hand. */
function anchorsOf(file: string): string[] {
  const read = readFileSync(join(ROOT, file), "utf8").replace(/^```.*?^```/gms, "");
  const headings = [...read.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
  return [...headings, ...[...read.matchAll(/<a id="([^"]+)">/g)].map(([, id = ""]) => id)];
}
