#!/usr/bin/env bash
# moto: an escaped apostrophe ends the text of an intrinsic function, and the rest is lost without an error.
#
# Package: moto 5.2.5 with its Step Functions interpreter.
# Guess: AWS documents that an apostrophe inside the text of an intrinsic function is written with a backslash. The
#   text it's {} of {} then gives it's 1 of 2.
# Behaviour: the execution succeeds, and its text ends in backslashes instead, with the arguments gone.
#   aws-local-stepfunctions 3.0.0 gives it's 1 of 2.
# Consequence: a message to a person is cut short in tests, and a test that only looks for success does not see it. Write
#   such texts without an apostrophe, or bring them by a path.
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

    for i, call in enumerate([r"States.Format('it is {} of {}', $.a, $.b)", r"States.Format('it\'s {} of {}', $.a, $.b)"]):
        states = {"A": {"Type": "Pass", "Parameters": {"text.$": call}, "End": True}}
        print(f'{call}: {run(client, f"m{i}", states, {"a": 1, "b": 2})}')
EOF
cat >expected <<'EOF'
States.Format('it is {} of {}', $.a, $.b): {"text": "it is 1 of 2"}
States.Format('it\'s {} of {}', $.a, $.b): {"text": "it\\\\"}
EOF
venv/bin/python run.py 2>log >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: the text ends at the escaped apostrophe"
