#!/usr/bin/env bash
# moto: StringMatches gives brackets and question marks the meaning of a file pattern.
#
# Package: moto 5.2.5 with its Step Functions interpreter.
# Guess: AWS documents that the pattern of StringMatches has one special character, the asterisk, which a backslash makes
#   plain. [ab], a? and lock\* stand for themselves.
# Behaviour: [ab] matches the text a and not the text [ab], the question mark matches any character, and an escaped
#   asterisk does not match an asterisk. aws-local-stepfunctions 3.0.0 is right but for the question mark.
# Consequence: a rule for messages such as [error]* or for names of arrays (int[]) takes the default in tests.
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

    cases = [("[ab]", "[ab]"), ("[ab]", "a"), ("[error]*", "[error] no space left"), ("a?", "ab"), ("lock\\*", "lock*")]
    for i, (pattern, text) in enumerate(cases):
        states = {"A": {"Type": "Choice", "Choices": [{"Variable": "$.t", "StringMatches": pattern, "Next": "M"}], "Default": "D"},
                  "M": {"Type": "Pass", "Result": {"is": "match"}, "End": True}, "D": {"Type": "Pass", "Result": {"is": "default"}, "End": True}}
        print(f'pattern {pattern}, text {text}: {json.loads(run(client, f"m{i}", states, {"t": text}))["is"]}')
EOF
cat >expected <<'EOF'
pattern [ab], text [ab]: default
pattern [ab], text a: match
pattern [error]*, text [error] no space left: default
pattern a?, text ab: match
pattern lock\*, text lock*: default
EOF
venv/bin/python run.py >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: StringMatches is matched as a file pattern"
