#!/usr/bin/env bash
# aws-local-stepfunctions: States.ArrayGetItem past the end gives null instead of failing.
#
# Package: aws-local-stepfunctions 3.0.0, whose list of features counts this function as fully supported.
# Guess: AWS documents States.IntrinsicFailure for an intrinsic function that fails on its arguments. An index outside
#   the array is such a failure, so the execution fails.
# Behaviour: the field becomes null and the execution goes on. moto 5.2.5 fails the execution (IndexError), and another
#   emulator (floci) reports rejecting such an index after comparing with AWS.
# Consequence: a definition that takes the sixth part of a name passes locally with null in the next task's input,
#   and fails at its first real run.
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

const states = { A: { Type: "Pass", Parameters: { "item.$": "States.ArrayGetItem($.list, 5)" }, End: true } };
console.log(JSON.stringify(await new StateMachine({ StartAt: "A", States: states }).run({ list: ["only"] }).result));
EOF
cat >expected <<'EOF'
{"item":null}
EOF
node run.mjs >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: an index past the end gives null"
