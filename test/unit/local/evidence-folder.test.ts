import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeOwnFolder, takeFolder } from "../../../local/evidence-folder.ts";
import { temporaryFolder } from "../../support/rehearsal.ts";

test.each([["is not there yet"], ["is there and empty"]])(
  "of runs that want the same folder at the same moment one gets it, if it %s",
  async (how) => {
    const folder = join(await temporaryFolder(), "evidence");
    if (how.includes("empty")) await mkdir(folder);
    const runs = Array.from({ length: 20 }, (_, n) => `run-${n}`);
    const taken = await Promise.allSettled(runs.map((run) => takeFolder(folder, run)));
    expect(taken.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const refused of taken.filter((outcome) => outcome.status === "rejected"))
      expect(refused.reason).toMatchObject({
        name: "UsageError",
        message: expect.stringContaining("is not empty"),
      });
    expect(await readdir(folder)).toEqual(["folder.json"]);
  },
);

test("a folder with any content is refused, and stays unchanged", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "notes.txt"), "mine");
  await expect(takeFolder(folder, "run")).rejects.toMatchObject({ name: "UsageError" });
  expect(await readdir(folder)).toEqual(["notes.txt"]);
});

test("a run that wrote nothing leaves the folder to the next", async () => {
  const folder = join(await temporaryFolder(), "evidence");
  await (await takeFolder(folder, "first")).giveBack();
  const second = await takeFolder(folder, "second");
  await writeFile(join(folder, "request.json"), "{}");
  await second.giveBack();
  // Anything that a run did write is evidence, and stays.
  await expect(takeFolder(folder, "third")).rejects.toMatchObject({ name: "UsageError" });
});

test("git sees none of the runs' files in a team's repository, whose own files stay unchanged", async () => {
  const repository = await temporaryFolder();
  const git = (...args: string[]) => execFileSync("git", args, { cwd: repository, encoding: "utf8" });
  git("init", "--quiet");
  const own = join(repository, ".sluice");
  await makeOwnFolder(own);
  await writeFile(join(own, "report.json"), "{}");
  expect(git("status", "--short", "--untracked-files=all")).toBe("");
  expect(await readdir(repository)).toEqual([".git", ".sluice"]);
  await writeFile(join(own, ".gitignore"), "of the team");
  await makeOwnFolder(own);
  expect(await readFile(join(own, ".gitignore"), "utf8")).toBe("of the team");
});
