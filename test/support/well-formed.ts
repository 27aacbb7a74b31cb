const VOID = new Set(["meta", "br", "hr", "img", "input", "link"]);

/** Returns the tags of a page that are not closed, or closed in the wrong order. Empty for a well-formed page. */
export function unclosedTags(page: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  const body = page.replace(/<style>[\s\S]*?<\/style>/g, "").replace(/<!DOCTYPE html>/, "");
  for (const [tag, close, name, attributes] of body.matchAll(
    /<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z-:]+(?:="[^"<]*")?)*)\s*\/?>/g,
  )) {
    if (VOID.has(name ?? "") || tag.endsWith("/>")) continue;
    if (close === "") open.push(name ?? "");
    else if (open.pop() !== name) wrong.push(`${tag}${attributes ?? ""}`);
  }
  // Every < in the page must be one of those tags.
  const stray = body
    .replace(/<\/?[a-zA-Z][a-zA-Z0-9]*(?:\s+[a-zA-Z-:]+(?:="[^"<]*")?)*\s*\/?>/g, "")
    .includes("<");
  return [...wrong, ...open, ...(stray ? ["a stray <"] : [])];
}
