import { expect, test } from "vitest";
import { type LinkDoc, linked, linkFile } from "../../../lambdas/shared/chain.ts";
import { docName } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import { sha256 } from "../../../lambdas/shared/sha256.ts";
import { type MemoryPorts, memoryPorts } from "../../support/ports.ts";

const RUN = "run-1";
const file = (name: string) => `runs/${RUN}/${name}`;

function linksOf(ports: MemoryPorts): { text: string; link: LinkDoc }[] {
  const links = [];
  for (let number = 1; ; number++) {
    const text = ports.evidence.files.get(file(linkFile(number)));
    if (text === undefined) return links;
    links.push({ text, link: JSON.parse(text) as LinkDoc });
  }
}

const keep = (ports: MemoryPorts, ...names: string[]) =>
  linked(ports, async (noted) => {
    for (const name of names) await evidenceOf(noted.evidence, RUN).createOnce(docName(name), { name });
  });

test("a link names what one worker wrote, with its SHA-256, and follows the previous link", async () => {
  const ports = memoryPorts();
  await keep(ports, "a", "gates/b");
  await keep(ports, "c");
  const [first, second] = linksOf(ports);
  expect(first?.link).toMatchObject({
    number: 1,
    previous: null,
    files: ["a.json", "gates/b.json"].map((name) => ({
      name,
      sha256: sha256(ports.evidence.files.get(file(name)) ?? ""),
    })),
  });
  expect(second?.link).toMatchObject({ number: 2, previous: sha256(first?.text ?? "") });
});

test("a worker that writes nothing, or finds its documents written, adds no link", async () => {
  const ports = memoryPorts();
  await keep(ports, "a");
  await linked(ports, async () => undefined);
  await linked(ports, (noted) => evidenceOf(noted.evidence, RUN).createOnce(docName("a"), { other: true }));
  expect(linksOf(ports)).toHaveLength(1);
});

test("work that fails is linked with everything written until then", async () => {
  const ports = memoryPorts();
  const work = linked(ports, async (noted) => {
    await evidenceOf(noted.evidence, RUN).createOnce(docName("a"), {});
    throw new Error("it broke");
  });
  await expect(work).rejects.toThrow("it broke");
  expect(linksOf(ports)[0]?.link.files.map(({ name }) => name)).toEqual(["a.json"]);
});

test("many workers at once each add their own link, and the chain has no gap and no fork", async () => {
  const ports = memoryPorts();
  await Promise.all(Array.from({ length: 20 }, (_, n) => keep(ports, `doc-${n}`)));
  const links = linksOf(ports);
  expect(links).toHaveLength(20);
  expect(new Set(links.flatMap(({ link }) => link.files.map(({ name }) => name))).size).toBe(20);
  links.forEach(({ link }, i) => {
    expect(link.previous).toBe(i === 0 ? null : sha256(links[i - 1]?.text ?? ""));
  });
});

test("a link that cannot be written fails nothing: the manifest covers it", async () => {
  const ports = memoryPorts();
  const create = ports.evidence.create.bind(ports.evidence);
  ports.evidence.create = (key, body) =>
    key.includes("/chain/") ? Promise.reject(new Error("denied")) : create(key, body);
  await keep(ports, "a");
  expect(ports.lines).toEqual(["A link of the evidence chain was not written: Error"]);
});
