"""What the fuzzer has to know of this API that OpenAPI can't say."""

import itertools
import json
import re

import requests
import schemathesis

STEERED = re.compile(r"^/v1/runs/\{workflowId\}/(cancel|terminate|pause|resume|reschedule|run-now|why|events)$")
WELCOME = {"template": "welcome", "recipients": [{"email": "ada@example.com"}]}
LONG_WAITS = {str(seconds) for seconds in range(2, 61)}
calls = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Waits are short, or they use up the time. Every other call that steers a run gets one that is still open: most others have ended, and answer 409."""
    if str((case.query or {}).get("wait", "")) in LONG_WAITS:
        case.query["wait"] = "1"
    if not STEERED.match(case.path) or case.method not in ("GET", "POST") or next(calls) % 2:
        return
    headers = {name: value for name, value in (case.headers or {}).items() if name.lower() == "authorization"}
    order = {"input": WELCOME, "delay": "1h"}
    answer = requests.post(
        f"{case.operation.base_url.rstrip('/')}/v1/jobs/email-campaign", json=order, headers=headers, timeout=15
    )
    if answer.status_code == 202:
        case.path_parameters["workflowId"] = answer.json()["workflowId"]


# Rules that JSON Schema has no words for: a request that breaks one of them, and nothing else, may be refused with 422
# although its schema allows it.
BEYOND_JSON_SCHEMA = re.compile(
    "|".join(
        [
            # A cursor is a token of ours.
            "must be the nextCursor of an",
            # What depends on other fields, on the clock, on what is stored, or on an IANA table.
            "must be after startAt",
            "must not be before from",
            "must not be in the future",
            "which must be below its",
            "must be an IANA time zone",
            "must be within ten years from now",
            "must be from the years 1970 to 2261",
            "names a file that is not there",
            "is needed by the template",
            "never fires",
            "is too far from from",
            # Sizes of a whole.
            r"must be at most \d+ bytes of JSON",
            "must not be nested deeper than",
            # Lengths of time as text have an order that a pattern can't tell.
            r"must be at (least|most) \d+(\.\d+)?(d|h|m|s|ms)$",
            "must be in whole seconds",
            # The format email takes what no mail server does.
            "must be an e-mail address",
            # A name that JavaScript takes for its own.
            "is not allowed as a name",
        ]
    )
)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if failure.title != "Schema-valid request rejected" or response.status_code != 422:
        return True
    problem = json.loads(response.content)
    if problem["code"] == "idempotency-key-reused":
        return False
    # Cron and calendar have a language of their own. What `input` takes depends on the job type,
    # which stands beside it, or is the run's.
    told_elsewhere = r"(cron|calendar)\b" if case.path.startswith("/v1/jobs/") else r"(cron|calendar|input)\b"
    errors = problem.get("errors") or [{"path": "", "message": ""}]
    return not all(
        BEYOND_JSON_SCHEMA.search(error["message"])
        or re.match(told_elsewhere, error["path"])
        for error in errors
    )
