#!/usr/bin/env bash
# moto: States.Array leaves out a null argument.
#
# Package: moto 5.2.5 with its Step Functions interpreter.
# Guess: AWS documents that States.Array returns the values of its arguments in order, and the States Language counts
#   null among them. Four arguments give an array of four.
# Behaviour: a literal null is dropped, so the array has three items and the later ones move forward.
#   Its parser writes a complaint about null to the log
#   and goes on. aws-local-stepfunctions 3.0.0 keeps the null.
# Consequence: States.ArrayGetItem by position reads the wrong item in tests, and a list of parameters for a task is
#   one short. A null that comes by a path from the input stays.
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

    for i, call in enumerate(["States.Array('a', null, 'c')", "States.Array('a', $.none, 'c')"]):
        states = {"A": {"Type": "Pass", "Parameters": {"list.$": call}, "End": True}}
        print(f'{call}: {run(client, f"m{i}", states, {"none": None})}')
EOF
cat >expected <<'EOF'
States.Array('a', null, 'c'): {"list": ["a", "c"]}
States.Array('a', $.none, 'c'): {"list": ["a", null, "c"]}
EOF
venv/bin/python run.py 2>log >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: a literal null is dropped"
