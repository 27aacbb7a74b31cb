#!/usr/bin/env bash
# aws-local-stepfunctions: a Choice compares values of another type instead of not matching.
#
# Package: aws-local-stepfunctions 3.0.0, whose list of features counts these operators as fully supported.
# Guess: AWS documents that a Choice rule's value must have the operator's type, and that a number is never matched
#   with a string. So none of the four rules below matches and the default is taken.
# Behaviour: the greater and less operators convert as JavaScript does. The string 2 is greater than 1, null is less
#   than 1, and the text 2025 is a time before 2026. Only the Equals operators look at the type.
#   moto 5.2.5 takes the default for the numeric rules.
# Consequence: a count that arrives as text, or a null from a failed lookup, takes the branch locally that AWS will
#   not take. Guard such rules with IsNumeric or IsTimestamp.
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

const choose = async (rule, value) => {
  const pass = (Result) => ({ Type: "Pass", Result, End: true });
  const A = { Type: "Choice", Choices: [{ Variable: "$.v", ...rule, Next: "Match" }], Default: "Other" };
  const States = { A, Match: pass("match"), Other: pass("default") };
  const output = await new StateMachine({ StartAt: "A", States }).run({ v: value }).result;
  console.log(`${JSON.stringify(value)} ${JSON.stringify(rule)}: ${output}`);
};
await choose({ NumericGreaterThan: 1 }, "2");
await choose({ NumericLessThan: 1 }, null);
await choose({ TimestampLessThan: "2026-01-01T00:00:00Z" }, "2025");
await choose({ NumericEquals: 1 }, "1");
EOF
cat >expected <<'EOF'
"2" {"NumericGreaterThan":1}: match
null {"NumericLessThan":1}: match
"2025" {"TimestampLessThan":"2026-01-01T00:00:00Z"}: match
"1" {"NumericEquals":1}: default
EOF
node run.mjs >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: order comparisons of a Choice ignore the type of the value"
