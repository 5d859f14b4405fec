"""What the fuzzer has to know of this API that OpenAPI can't say."""

import json
import re

import schemathesis

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
            # Lengths of time as text have an order that a pattern can't tell.
            r"must be at (least|most) \d+(\.\d+)?(d|h|m|s|ms)$",
            "must be in whole seconds",
            # Cron and calendar have a language of their own; the format email takes what no mail server does.
            "can't be understood",
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
    # What `input` takes depends on the job type, which stands beside it, or is the run's.
    is_input_free = not case.path.startswith("/v1/jobs/")
    errors = problem.get("errors") or [{"path": "", "message": ""}]
    return not all(
        BEYOND_JSON_SCHEMA.search(error["message"])
        or (is_input_free and re.match(r"input\b", error["path"]))
        for error in errors
    )
