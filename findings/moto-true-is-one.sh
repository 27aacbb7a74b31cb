#!/usr/bin/env bash
# moto: States.ArrayContains and States.ArrayUnique count true and 1 as one value.
#
# Package: moto 5.2.5 with its Step Functions interpreter.
# Guess: true and 1 are different JSON values. An array that holds true does not contain 1, and both stay in an array
#   of unique values.
# Behaviour: they are compared as Python does, where True == 1. ArrayContains says true, and ArrayUnique drops the
#   later of the two, so a flag disappears from a list. aws-local-stepfunctions 3.0.0 keeps them apart.
# Consequence: a test of a list with mixed values passes on the wrong value, and a Choice after it takes the wrong branch.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check 'moto[stepfunctions]==5.2.5'
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

    for i, call in enumerate(["States.ArrayContains($.list, 1)", "States.ArrayUnique($.both)"]):
        states = {"A": {"Type": "Pass", "Parameters": {"x.$": call}, "End": True}}
        print(f'{call}: {run(client, f"m{i}", states, {"list": [True], "both": [1, True, "1"]})}')
EOF
cat >expected <<'EOF'
States.ArrayContains($.list, 1): {"x": true}
States.ArrayUnique($.both): {"x": [1, "1"]}
EOF
venv/bin/python run.py >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: true and 1 are one value"
