import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { main } from "../../../bin/commands/main.ts";
import { FakeTerminal } from "./fake-terminal.ts";

async function scriptFor(shell: string): Promise<string> {
  const terminal = new FakeTerminal();
  expect(await main(["completion", shell], terminal)).toBe(0);
  return terminal.out;
}

/** What bash offers after these words; the last is the one that is being typed. */
async function offered(...words: string[]): Promise<string[]> {
  const script = `${await scriptFor("bash")}
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_sluice
printf '%s\n' "\${COMPREPLY[@]}"`;
  const printed = execFileSync("bash", ["-c", script, "bash", ...words], { encoding: "utf8" });
  return printed.trim().split("\n");
}

test("bash completes commands, their options, and the options' values", async () => {
  expect(await offered("sluice", "reh")).toEqual(["rehearse"]);
  expect(await offered("sluice", "rehearse", "--app")).toEqual(["--apply"]);
  expect(await offered("sluice", "rehearse", "--copy", "")).toEqual(["template", "physical", "dump"]);
  expect(await offered("sluice", "verify", "--ha")).toEqual(["--hash"]);
});

test("options that only work within GitHub Actions are not offered", async () => {
  for (const shell of ["bash", "zsh", "fish"]) expect(await scriptFor(shell)).not.toContain("pull-request");
});

test("fish gets a line for each command and each option, quoted", async () => {
  const lines = (await scriptFor("fish")).trim().split("\n");
  expect(lines.every((line) => line.startsWith("complete -c sluice "))).toBe(true);
  for (const line of lines)
    expect(line.replace(/\\./g, "").match(/'/g)?.length ?? 0).toSatisfy((n: number) => n % 2 === 0);
});
