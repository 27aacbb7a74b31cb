#!/usr/bin/env bash
# aws-local-stepfunctions: each branch of a Parallel state has a start of its own in $$.Execution.StartTime.
#
# Package: aws-local-stepfunctions 3.0.0, whose list of features counts Parallel states and the context object as supported.
# Guess: a branch is part of its execution, so $$.Execution.StartTime is the same in it, also where the caller gives it.
# Behaviour: a branch runs as a state machine of its own, whose start and input take the place of the execution's.
# Consequence: a task that tells its execution by its start takes a branch for another execution. A key of the context
#   that is no part of Execution reaches branches as it was given.
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

const ask = { Type: "Pass", Parameters: { "start.$": "$$.Execution.StartTime", "own.$": "$$.Run.Start" } };
const states = {
  First: { ...ask, ResultPath: "$.before", Next: "Wait" },
  Wait: { Type: "Wait", Seconds: 1, Next: "Both" },
  Both: { Type: "Parallel", Branches: [{ StartAt: "Ask", States: { Ask: { ...ask, End: true } } }], ResultPath: "$.branches", End: true },
};
const context = { Execution: { StartTime: "2026-01-01T00:00:00.000Z" }, Run: { Start: "given" } };
const run = new StateMachine({ StartAt: "First", States: states }).run({}, { context });
const { before, branches: [branch] } = await run.result;
console.log(JSON.stringify({ same: before.start === branch.start, own: [before.own, branch.own] }));
EOF
cat >expected <<'EOF'
{"same":false,"own":["given","given"]}
EOF
node run.mjs >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: a branch has a start of its own"
