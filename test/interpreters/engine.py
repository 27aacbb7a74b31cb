"""
Runs state machines in LocalStack's Step Functions engine, without LocalStack: no server, no container, no AWS API.

Reads one JSON document a line and answers each with one line:
  {"machine": NAME, "definition": TEXT}                      -> {"loaded": NAME} or {"refused": WHY}
  {"run": NAME, "startAt": STATE, "input": ..., "execution": ARN, "started": TIME, "answers": [...],
   "beside": [...]}
                                                             -> {"end": NAME, "cause": TEXT, "sent": [...]}
Answers are given to the Task states in their order; the next one is for the state that it names, or something differs.
"beside" lists the states that are in branches: those come in any order, each with its own answers in theirs.
"""

import functools
import json
import logging
import sys
import threading
import types

logging.disable(logging.CRITICAL)


def stand_in(name, **contents):
    """Takes the place of a module that the engine imports and that JSONPath machines of Lambda tasks never use."""
    module = types.ModuleType(name)
    module.__dict__.update(contents)
    sys.modules[name] = module


def unused(*_args, **_kwargs):
    raise RuntimeError("JSONata is not part of this")


# A Java machine by way of JPype.
stand_in(
    "localstack.services.stepfunctions.asl.jsonata.jsonata",
    JSONataExpression=str,
    JSONataException=type("JSONataException", (Exception,), {}),
    IllegalJSONataVariableReference=type("IllegalJSONataVariableReference", (Exception,), {}),
    VariableDeclarations=str,
    VariableReference=str,
    compose_jsonata_expression=unused,
    encode_jsonata_variable_declarations=unused,
    eval_jsonata_expression=unused,
    extract_jsonata_variable_references=unused,
)
# EventBridge and all of moto; they need Python 3.12 too.
stand_in(
    "localstack.services.events.utils",
    to_json_str=lambda value, separators=(",", ":"): json.dumps(value, separators=separators),
)
stand_in("moto")
stand_in("moto.batch")
stand_in("moto.batch.utils", JobStatus=types.SimpleNamespace(SUCCEEDED="", FAILED=""))

from localstack.aws.api.stepfunctions import StateMachineType  # noqa: E402
from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name import (  # noqa: E402
    StatesErrorName,
)
from localstack.services.stepfunctions.asl.component.common.flow.start_at import StartAt  # noqa: E402
from localstack.services.stepfunctions.asl.component.common.path import result_path  # noqa: E402
from localstack.services.stepfunctions.asl.component.common.retry import retrier_decl  # noqa: E402
from localstack.services.stepfunctions.asl.component.state.state_execution import execute_state  # noqa: E402
from localstack.services.stepfunctions.asl.component.state.state_wait.wait_function.wait_function import (  # noqa: E402
    WaitFunction,
)
from localstack.services.stepfunctions.asl.eval.environment import Environment  # noqa: E402
from localstack.services.stepfunctions.asl.eval.evaluation_details import AWSExecutionDetails  # noqa: E402
from localstack.services.stepfunctions.asl.eval.event.event_manager import EventHistoryContext  # noqa: E402
from localstack.services.stepfunctions.asl.eval.states import (  # noqa: E402
    ContextObjectData,
    ExecutionData,
    StateMachineData,
)
from localstack.services.stepfunctions.asl.parse.asl_parser import (  # noqa: E402
    AmazonStateLanguageParser,
    ASLParserException,
)
from localstack.services.stepfunctions.asl.utils import json_path  # noqa: E402
from localstack.services.stepfunctions.local_mocking.mock_config import (  # noqa: E402
    LocalMockedResponseReturn,
    LocalMockedResponseThrow,
)

# It makes a parser anew for each path that it reads: most of the time that a run takes.
json_path.parse = functools.lru_cache(maxsize=None)(json_path.parse)
result_path.parse = functools.lru_cache(maxsize=None)(result_path.parse)

# Nobody waits here: neither before a retry nor in a Wait state.
retrier_decl.time = types.SimpleNamespace(sleep=lambda _seconds: None)
WaitFunction._wait_interval = lambda self, env, wait_seconds: None


class MockedEnvironment(Environment):
    """Every Task is answered from the list, instead of by a service."""

    answers: list
    beside: frozenset
    taking = threading.Lock()

    @classmethod
    def as_inner_frame_of(cls, env, variable_store, event_history_frame_cache=None):
        frame = super().as_inner_frame_of(env, variable_store, event_history_frame_cache)
        frame.answers = env.answers
        frame.beside = env.beside
        return frame

    def is_local_mocked_mode(self):
        return True

    def get_current_local_mocked_response(self):
        state = self.next_state_name
        with self.taking:
            answer = self.take(state)
        if answer is None:
            due = self.answers[0]["state"] if self.answers else "the end"
            return LocalMockedResponseThrow(0, 0, "Differs", f"{state} is called where {due} is due")
        if answer.get("error") == "States.Timeout":
            raise execute_state.EvalTimeoutError()
        if "error" in answer:
            return LocalMockedResponseThrow(0, 0, answer["error"], answer["cause"])
        payload = answer["answer"] if answer["waits"] else {"StatusCode": 200, "Payload": answer["answer"]}
        return LocalMockedResponseReturn(0, 0, payload)

    def take(self, state):
        for at, answer in enumerate(self.answers):
            if answer["state"] == state:
                return self.answers.pop(at)
            if answer["state"] not in self.beside:
                return None
        return None


programs = {}


def load(name, definition):
    try:
        programs[name] = AmazonStateLanguageParser.parse(definition)[0]
    except ASLParserException as error:
        return {"refused": str(error)}
    return {"loaded": name}


def run(asked):
    program = programs[asked["run"]]
    # All else of a program is the same wherever it begins.
    program.__dict__["start_at"] = StartAt(asked["startAt"])
    arn = asked["execution"]
    env = MockedEnvironment(
        aws_execution_details=AWSExecutionDetails("000000000000", "us-east-1", "arn:aws:iam::000000000000:role/none"),
        execution_type=StateMachineType.STANDARD,
        context=ContextObjectData(
            Execution=ExecutionData(
                Id=arn,
                Input=asked["executionInput"],
                Name=arn.rsplit(":", 1)[-1],
                RoleArn="",
                StartTime=asked["started"],
            ),
            StateMachine=StateMachineData(Id="", Name=""),
        ),
        event_history_context=EventHistoryContext.of_program_start(),
        cloud_watch_logging_session=None,
        activity_store={},
    )
    env.answers = list(asked["answers"])
    env.beside = frozenset(asked["beside"])
    env.states.reset(asked["input"])
    program.eval(env)
    return told(env)


def told(env):
    states, sent = {}, []
    end, cause = "", ""
    for event in env.event_manager.get_event_history():
        kind = str(event["type"])
        # Branches write to one history: each event names the one before it in its own.
        entered = states.get(event.get("previousEventId"), "")
        if kind.endswith("StateEntered"):
            entered = event["stateEnteredEventDetails"]["name"]
        states[event["id"]] = entered
        if kind == "LambdaFunctionScheduled":
            sent.append([entered, json.loads(event["lambdaFunctionScheduledEventDetails"]["input"])])
        elif kind == "TaskScheduled":
            sent.append([entered, json.loads(event["taskScheduledEventDetails"]["parameters"])["Payload"]])
        elif kind == "ExecutionSucceeded":
            end = "Succeeded"
        elif kind.startswith("Execution"):
            failed = event.get("executionFailedEventDetails") or {}
            end, cause = failed.get("error", kind), failed.get("cause", "")
    return {"end": end, "cause": cause, "sent": sent, "left": len(env.answers)}


for line in sys.stdin:
    document = json.loads(line)
    answer = load(document["machine"], document["definition"]) if "machine" in document else run(document)
    print(json.dumps(answer), flush=True)
