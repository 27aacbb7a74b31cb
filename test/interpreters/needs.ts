import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const REQUIREMENTS = "test/interpreters/requirements.txt";

/** A Python that has the engine in the release that the suite was written against. */
export function pythonOfLocalStack(): string {
  const [, release] =
    /^localstack-core==(.*)$/m.exec(readFileSync(new URL("requirements.txt", import.meta.url), "utf8")) ?? [];
  const mend = `The suite of interpreters needs LocalStack's engine, localstack-core ${release}, in a Python of its own: python3 -m venv VENV && VENV/bin/pip install -r ${REQUIREMENTS}, and set SLUICE_LOCALSTACK_PYTHON to VENV/bin/python. .ci/run does it.`;
  const python = process.env.SLUICE_LOCALSTACK_PYTHON;
  if (!python) throw new Error(mend);
  let found: string;
  try {
    const asked = "import importlib.metadata as m; print(m.version('localstack-core'))";
    found = execFileSync(python, ["-c", asked], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    throw new Error(`${mend} ${python} has none.`);
  }
  if (found !== release) throw new Error(`${mend} ${python} has ${found}.`);
  return python;
}
