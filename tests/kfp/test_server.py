"""The judge of the test server: KFP's own client has to understand what it answers, with a pipeline that really runs.

Kubeflow's backend cannot be built here. What Sluice's runner is tested with is a server made of the API's description
(`server/test/kfp`); it is only worth something as long as this client, which is generated from the same API, agrees.
"""
import datetime
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

kfp_server_api = pytest.importorskip("kfp_server_api", reason="needs kfp-server-api, KFP's own client")

ROOT = Path(__file__).parent.parent.parent
CELLS = {"step:load": "values = [1, 2, 3]", "step:train": "total = sum(values)", "step:report": "print(total)"}


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kfp")
    program = folder / "server.cjs"
    core = ROOT / "core" / "src"
    subprocess.run(
        [
            ROOT / "node_modules" / ".bin" / "esbuild",
            ROOT / "server" / "test" / "kfp" / "main.ts",
            "--bundle",
            "--platform=node",
            "--format=cjs",
            "--log-level=error",
            f"--alias:@sluice/core={core / 'index.ts'}",
            f"--alias:@sluice/core/ir/read={core / 'ir' / 'read.ts'}",
            f"--outfile={program}",
        ],
        check=True,
    )
    arguments = ["node", program, folder / "store", sys.executable]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def client(url):
    with kfp_server_api.ApiClient(kfp_server_api.Configuration(host=url)) as client:
        yield client


def create_run(client, spec, **parameters):
    run = kfp_server_api.V2beta1Run(
        display_name="judged",
        pipeline_spec=spec,
        runtime_config=kfp_server_api.V2beta1RuntimeConfig(parameters=parameters),
    )
    return kfp_server_api.RunServiceApi(client).run_service_create_run(run)


def wait(client, run_id):
    for _ in range(300):
        run = kfp_server_api.RunServiceApi(client).run_service_get_run(run_id)
        if run.state in ("SUCCEEDED", "FAILED", "CANCELED"):
            return run
        time.sleep(0.1)
    raise AssertionError(f"the run is still {run.state}")


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    notebook = tmp_path_factory.mktemp("notebook") / "judged.ipynb"
    cells = [
        {"cell_type": "code", "metadata": {"tags": [tag]}, "source": source, "outputs": [], "execution_count": None}
        for tag, source in CELLS.items()
    ]
    notebook.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}))
    sluice = Path(sys.executable).parent / "sluice"
    compiled = subprocess.run([sluice, "compile", notebook], check=True, capture_output=True, text=True).stdout
    return yaml.safe_load(compiled)


@pytest.fixture(scope="module")
def finished(client, spec):
    return wait(client, create_run(client, spec).run_id)


def test_health(client):
    health = kfp_server_api.HealthzServiceApi(client).healthz_service_get_healthz()
    assert isinstance(health, kfp_server_api.V2beta1GetHealthzResponse)
    assert health.multi_user is False


def test_experiment_is_made_and_found_by_its_name(client):
    api = kfp_server_api.ExperimentServiceApi(client)
    made = api.experiment_service_create_experiment(kfp_server_api.V2beta1Experiment(display_name="judged"))
    assert isinstance(made.created_at, datetime.datetime)
    named = {"predicates": [{"operation": "EQUALS", "key": "name", "string_value": "judged"}]}
    found = api.experiment_service_list_experiments(filter=json.dumps(named)).experiments
    assert [experiment.experiment_id for experiment in found] == [made.experiment_id]


def test_run_runs_and_tells_of_its_tasks(finished, spec):
    assert isinstance(finished, kfp_server_api.V2beta1Run)
    assert finished.state == "SUCCEEDED"
    tasks = {task.display_name: task for task in finished.run_details.task_details}
    for name in spec["root"]["dag"]["tasks"]:
        assert isinstance(tasks[name], kfp_server_api.V2beta1PipelineTaskDetail)
        assert tasks[name].state == "SUCCEEDED"
        assert tasks[name].start_time <= tasks[name].end_time
        assert tasks[name].child_tasks
    assert [status.state for status in finished.state_history][-1] == "SUCCEEDED"


def test_whatever_is_answered_has_a_name_in_the_client(finished, client):
    """The client drops what it does not know: nothing may be lost on its way through it."""
    raw = kfp_server_api.RunServiceApi(client).run_service_get_run(finished.run_id, _preload_content=False)
    sent, read = json.loads(raw.data), client.sanitize_for_serialization(finished)
    assert shape(sent) == shape(read)


def shape(value):
    """Keys and kinds; times lose their precision on the way."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value).__name__


def test_runs_are_listed_a_page_at_a_time(client, spec, finished):
    wait(client, create_run(client, spec).run_id)
    api = kfp_server_api.RunServiceApi(client)
    first = api.run_service_list_runs(page_size=1, sort_by="created_at desc")
    assert isinstance(first, kfp_server_api.V2beta1ListRunsResponse)
    second = api.run_service_list_runs(page_size=1, page_token=first.next_page_token)
    assert first.runs[0].created_at >= second.runs[0].created_at
    assert finished.run_id in {first.runs[0].run_id, second.runs[0].run_id}


def test_run_is_ended_and_not_twice(client, spec):
    slow = json.loads(json.dumps(spec))
    for executor in slow["deploymentSpec"]["executors"].values():
        executor["container"].update(command=["python3", "-c"], args=["import time; time.sleep(60)"])
    run = create_run(client, slow)
    api = kfp_server_api.RunServiceApi(client)
    api.run_service_terminate_run(run.run_id)
    assert wait(client, run.run_id).state == "CANCELED"
    with pytest.raises(kfp_server_api.ApiException) as refused:
        api.run_service_terminate_run(run.run_id)
    assert "terminal state" in json.loads(refused.value.body)["message"]


def test_failed_run_is_retried(client, spec, tmp_path):
    flaky = json.loads(json.dumps(spec))
    mark = tmp_path / "mark"
    program = f"import os, sys; p = {str(mark)!r}; done = os.path.exists(p); open(p, 'w').close(); sys.exit(0 if done else 1)"
    first = next(iter(flaky["deploymentSpec"]["executors"]))
    flaky["deploymentSpec"]["executors"] = {
        name: {"container": {"image": "python", "command": ["python3", "-c"], "args": [program if name == first else "pass"]}}
        for name in flaky["deploymentSpec"]["executors"]
    }
    for task in flaky["root"]["dag"]["tasks"].values():
        task.pop("inputs", None)
        task.pop("cachingOptions", None)
    for component in flaky["components"].values():
        component.pop("inputDefinitions", None)
    run = create_run(client, flaky)
    assert wait(client, run.run_id).state == "FAILED"
    kfp_server_api.RunServiceApi(client).run_service_retry_run(run.run_id)
    assert wait(client, run.run_id).state == "SUCCEEDED"


def test_recurring_run_is_made_and_listed(client, spec):
    api = kfp_server_api.RecurringRunServiceApi(client)
    body = kfp_server_api.V2beta1RecurringRun(
        display_name="nightly",
        pipeline_spec=spec,
        max_concurrency="1",
        trigger=kfp_server_api.V2beta1Trigger(cron_schedule=kfp_server_api.V2beta1CronSchedule(cron="0 0 2 * * *")),
    )
    made = api.recurring_run_service_create_recurring_run(body)
    listed = api.recurring_run_service_list_recurring_runs().recurring_runs
    assert [recurring.recurring_run_id for recurring in listed] == [made.recurring_run_id]


@pytest.mark.parametrize(
    "spec, said",
    [
        ({"schemaVersion": "2.0.0"}, "schema version"),
        ({"schemaVersion": "2.1.0", "root": {"dag": {}}, "colour": "red"}, "unknown key"),
    ],
)
def test_pipeline_that_kubeflow_would_not_take_is_refused(client, spec, said):
    with pytest.raises(kfp_server_api.ApiException) as refused:
        create_run(client, spec)
    assert said in json.loads(refused.value.body)["message"]


def test_unknown_run_is_not_found(client):
    with pytest.raises(kfp_server_api.ApiException) as refused:
        kfp_server_api.RunServiceApi(client).run_service_get_run("no-such-run")
    assert refused.value.status == 404
