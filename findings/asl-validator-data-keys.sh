#!/usr/bin/env bash
# asl-validator: data with a key named Next, Default or StartAt is taken for a transition and refused.
#
# Package: asl-validator 4.0.0.
# Guess: the fields Result and Parameters of a Pass state hold free JSON, and a state may have any name of up to 80
#   characters. A validator looks for transitions in states only.
# Behaviour: it searches the whole document. A key Next, Default or StartAt in data, or a state of that name, gives
#   MISSING_TRANSITION_TARGET. A state named States ends in a TypeError of the validator itself.
# Consequence: AWS deploys such a definition, and CI refuses it with a message that names a state which does not exist.
#   aws-local-stepfunctions 3.0.0 validates with this package and does not run it. Rename the key, or bring it by a path.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund asl-validator@4.0.0
cat >run.cjs <<'EOF'
const validator = require("asl-validator");
const check = validator.default ?? validator;
const show = (label, states) => {
  let seen;
  try {
    const result = check({ StartAt: Object.keys(states)[0], States: states });
    seen = result.isValid ? "valid" : result.errors.map((e) => e["Error code"]).join();
  } catch (e) {
    seen = `threw ${e.name}`;
  }
  console.log(`${label}: ${seen}`);
};
show("Result with the key after", { A: { Type: "Pass", Result: { after: "step 2" }, End: true } });
for (const key of ["Next", "Default", "StartAt"]) show(`Result with the key ${key}`, { A: { Type: "Pass", Result: { [key]: "step 2" }, End: true } });
show("Parameters with the key Next", { A: { Type: "Pass", Parameters: { Next: "step 2" }, End: true } });
for (const name of ["Default", "States"]) show(`a state named ${name}`, { [name]: { Type: "Pass", End: true } });
EOF
cat >expected <<'EOF'
Result with the key after: valid
Result with the key Next: MISSING_TRANSITION_TARGET
Result with the key Default: MISSING_TRANSITION_TARGET
Result with the key StartAt: MISSING_TRANSITION_TARGET
Parameters with the key Next: MISSING_TRANSITION_TARGET
a state named Default: MISSING_TRANSITION_TARGET
a state named States: threw TypeError
EOF
node run.cjs >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: keys in data are taken for transitions"
