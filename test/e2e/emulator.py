"""
Runs MiniStack with two changes, by which a function's failure reaches the state machine as on AWS.

MiniStack gives every error one name, so that no Catch and no Retry that names an error takes effect. And where a function
is given a task token and fails, it ignores the failure, and waits on for an answer that nobody can give.
"""

import inspect
import sys

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, stepfunctions


def change(text, before, after):
    if text.count(before) != 1:
        sys.exit(f"This release of MiniStack is another one: {before} is there {text.count(before)} times")
    return text.replace(before, after)


def change_function(module, name, before, after):
    exec(change(inspect.getsource(getattr(module, name)), before, after), module.__dict__)


lambda_runtime._NODEJS_WORKER_SCRIPT = change(
    lambda_runtime._NODEJS_WORKER_SCRIPT,
    'trace: err.stack || ""',
    'trace: err.stack || "", name: err.name',
)
change_function(
    lambda_svc,
    "_execute_function_warm",
    'error_type = "Runtime.HandlerError"',
    'error_type = result.get("name") or "Runtime.HandlerError"',
)
change_function(
    stepfunctions,
    "_invoke_with_callback",
    """        except _ExecutionError:
            pass
""",
    """        except _ExecutionError:
            _task_tokens.pop(token, None)
            raise
""",
)

from ministack.app import main  # noqa: E402

main()
