"""What Sluice knows of KFP's REST API is what KFP's own client says of it."""
import json
import sys
from pathlib import Path

import pytest

kfp_server_api = pytest.importorskip("kfp_server_api", reason="needs kfp-server-api, KFP's own client")

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import generate_kfp_api  # noqa: E402


def describe():
    return generate_kfp_api.describe(Path(kfp_server_api.__file__).parent, kfp_server_api.__version__)


def test_description_is_up_to_date():
    """`python scripts/generate_kfp_api.py` brings it up to date."""
    assert json.loads((generate_kfp_api.TARGET / "openapi.json").read_text(encoding="utf-8")) == describe()


def test_every_call_of_the_client_is_described():
    calls = {
        name
        for api in vars(kfp_server_api).values()
        if isinstance(api, type) and api.__name__.endswith("ServiceApi")
        for name in vars(api)
        if not name.startswith("_") and not name.endswith("_with_http_info")
    }
    described = {operation["operationId"] for verbs in describe()["paths"].values() for operation in verbs.values()}
    assert described == calls


@pytest.mark.parametrize(
    "path, verb, parameters, body, answer",
    [
        ("/apis/v2beta1/runs", "post", ["experiment_id"], "V2beta1Run", "V2beta1Run"),
        ("/apis/v2beta1/runs/{run_id}", "get", ["run_id", "experiment_id"], None, "V2beta1Run"),
        ("/apis/v2beta1/runs/{run_id}:terminate", "post", ["run_id", "experiment_id"], None, None),
    ],
)
def test_operation_is_described(path, verb, parameters, body, answer):
    operation = describe()["paths"][path][verb]
    assert sorted(item["name"] for item in operation["parameters"]) == sorted(parameters)
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    assert schema.get("$ref", "").rpartition("/")[2] == (body or "")
    answered = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert answered.get("$ref", "").rpartition("/")[2] == (answer or "")


def test_states_of_runs_are_those_of_the_client():
    states = describe()["components"]["schemas"]["V2beta1RuntimeState"]["enum"]
    assert states == kfp_server_api.V2beta1RuntimeState.allowable_values
