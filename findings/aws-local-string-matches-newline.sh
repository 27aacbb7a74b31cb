#!/usr/bin/env bash
# aws-local-stepfunctions: the wildcard of StringMatches stops at a line end.
#
# Package: aws-local-stepfunctions 3.0.0, whose list of features counts StringMatches as fully supported.
# Guess: AWS documents that * matches zero or more characters, with no exception. A rule such as *timeout* finds the
#   word anywhere in an error's Cause.
# Behaviour: a text with a line end before the word does not match. moto 5.2.5 matches it.
# Consequence: the Cause of a failed Lambda function is JSON with a stack, and a database's error has several lines.
#   A Choice that sorts errors by their Cause takes the default locally and another branch on AWS.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund aws-local-stepfunctions@3.0.0
cat >run.mjs <<'EOF'
// Node 20 lacks Promise.withResolvers, which the package uses.
Promise.withResolvers ??= () => {
  const d = {};
  d.promise = new Promise((resolve, reject) => Object.assign(d, { resolve, reject }));
  return d;
};
const { StateMachine } = await import("aws-local-stepfunctions");

const choose = async (text) => {
  const pass = (Result) => ({ Type: "Pass", Result, End: true });
  const A = { Type: "Choice", Choices: [{ Variable: "$.cause", StringMatches: "*timeout*", Next: "Match" }], Default: "Other" };
  const States = { A, Match: pass("match"), Other: pass("default") };
  const output = await new StateMachine({ StartAt: "A", States }).run({ cause: text }).result;
  console.log(`${JSON.stringify(text)}: ${output}`);
};
await choose("ERROR: canceled by statement timeout");
await choose("ERROR: canceled\nby statement timeout");
EOF
cat >expected <<'EOF'
"ERROR: canceled by statement timeout": match
"ERROR: canceled\nby statement timeout": default
EOF
node run.mjs >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: * in StringMatches does not match a line end"
