#!/usr/bin/env bash
# aws-local-stepfunctions and moto: States.Base64Encode is wrong for text beyond ASCII, in two ways.
#
# Packages: aws-local-stepfunctions 3.0.0 (it counts the function as fully supported), moto 5.2.5.
# Guess: AWS documents MIME Base64 of the text, and JSON text is UTF-8. So \u00fc (u with two dots) gives w7w=, and the
#   bytes of w7w= decode to it.
# Behaviour: aws-local-stepfunctions encodes Latin-1 and decodes UTF-8 bytes as Latin-1. moto encodes the letters of the
#   escape itself (u00fc, base64 dTAwZmM=) and fails to decode.
# Consequence: a payload with a name in it reaches the next service broken in tests of one kind, or passes tests
#   of one kind only. Encode inside the task.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund aws-local-stepfunctions@3.0.0
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check 'moto[stepfunctions]==5.2.5'
cat >run.mjs <<'EOF'
// Node 20 lacks Promise.withResolvers, which the package uses.
Promise.withResolvers ??= () => {
  const d = {};
  d.promise = new Promise((resolve, reject) => Object.assign(d, { resolve, reject }));
  return d;
};
const { StateMachine } = await import("aws-local-stepfunctions");

const states = { A: { Type: "Pass", Parameters: { "a.$": "States.Base64Encode('\u00fc')", "b.$": "States.Base64Decode('w7w=')" }, End: true } };
const { a, b } = await new StateMachine({ StartAt: "A", States: states }).run({}).result;
console.log(`aws-local-stepfunctions: encoded ${a}, decoded to ${[...b].length} characters`);
EOF
cat >run.py <<'EOF'
import json, logging, sys, time, boto3
from moto import mock_aws
logging.disable(logging.CRITICAL)

def run(client, name, states, data):
    definition = {"StartAt": next(iter(states)), "States": states}
    machine = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/r")
    execution = client.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(data))
    for _ in range(200):
        seen = client.describe_execution(executionArn=execution["executionArn"])
        if seen["status"] != "RUNNING":
            return seen.get("output") or f'{seen["status"]} {seen.get("error")}'
        time.sleep(0.05)
    sys.exit("the execution did not end")

with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
    client = boto3.client("stepfunctions", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")

    for i, (word, call) in enumerate([("encoded", "States.Base64Encode('\u00fc')"), ("decoded", "States.Base64Decode('w7w=')")]):
        print(f'moto: {word}', run(client, f"m{i}", {"A": {"Type": "Pass", "Parameters": {"a.$": call}, "End": True}}, {}))
EOF
cat >expected <<'EOF'
aws-local-stepfunctions: encoded /A==, decoded to 2 characters
moto: encoded {"a": "dTAwZmM="}
moto: decoded FAILED States.Runtime
EOF
{ node run.mjs; venv/bin/python run.py; } >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: Base64 of text beyond ASCII is wrong in both"
