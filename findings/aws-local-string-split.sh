#!/usr/bin/env bash
# aws-local-stepfunctions: States.StringSplit takes its second argument as one separator, not as a set of characters.
#
# Package: aws-local-stepfunctions 3.0.0, whose list of features counts this function as fully supported.
# Guess: AWS documents that the second argument holds one or more delimiting characters, and that each of them splits.
#   Its example splits This.is+a,test=string at '.+,=' into five words. Empty pieces are left out.
# Behaviour: the string comes back whole, since '.+,=' does not occur in it as such. Empty pieces stay.
#   moto 5.2.5 gives the five words and leaves out the empty piece.
# Consequence: a state machine that splits an ARN at ':/' takes another element locally than in the cloud, and
#   States.ArrayGetItem by a fixed index hides it.
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

const split = async (text, by) => {
  const states = { A: { Type: "Pass", Parameters: { "parts.$": "States.StringSplit($.text, $.by)" }, End: true } };
  const output = await new StateMachine({ StartAt: "A", States: states }).run({ text, by }).result;
  console.log(JSON.stringify(output.parts));
};
await split("This.is+a,test=string", ".+,=");
await split("a,,b", ",");
EOF
cat >expected <<'EOF'
["This.is+a,test=string"]
["a","","b"]
EOF
node run.mjs >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: States.StringSplit does not split at each delimiting character"
