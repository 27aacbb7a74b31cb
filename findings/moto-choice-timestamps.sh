#!/usr/bin/env bash
# moto: a Choice does not match timestamps that have a fraction of a second or an offset.
#
# Package: moto 5.2.5 with its Step Functions interpreter.
# Guess: the States Language asks for RFC 3339 timestamps, which may have a fraction and an offset. The context
#   object's own times ($$.State.EnteredTime) have milliseconds. So all four rules below match.
# Behaviour: only the plain form with Z matches. A fraction or an offset makes IsTimestamp and the comparisons false, and
#   the default is taken without an error. aws-local-stepfunctions 3.0.0 matches all four.
# Consequence: a machine that compares a deadline with the time of its state takes the wrong branch in tests, without
#   a word. Cut the fraction off in the test's data, or test such a Choice elsewhere.
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

    def choose(label, rule, data):
        states = {"A": {"Type": "Choice", "Choices": [{"Variable": "$.t", **rule, "Next": "M"}], "Default": "D"},
                  "M": {"Type": "Pass", "Result": {"is": "match"}, "End": True}, "D": {"Type": "Pass", "Result": {"is": "default"}, "End": True}}
        print(f'{label}: {json.loads(run(client, "m" + str(abs(hash(label))), states, data))["is"]}')

    choose("plain", {"TimestampGreaterThanPath": "$.u"}, {"t": "2026-01-01T00:00:01Z", "u": "2026-01-01T00:00:00Z"})
    choose("fraction", {"TimestampGreaterThanPath": "$.u"}, {"t": "2026-01-01T00:00:01.500Z", "u": "2026-01-01T00:00:00Z"})
    choose("offset", {"TimestampEqualsPath": "$.u"}, {"t": "2026-01-01T02:00:00+02:00", "u": "2026-01-01T00:00:00Z"})
    choose("IsTimestamp with a fraction", {"IsTimestamp": True}, {"t": "2026-01-01T00:00:01.500Z"})
EOF
cat >expected <<'EOF'
plain: match
fraction: default
offset: default
IsTimestamp with a fraction: default
EOF
venv/bin/python run.py >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: timestamps with a fraction or an offset do not match"
