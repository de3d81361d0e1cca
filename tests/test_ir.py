"""The judge of what core compiles: KFP's own schema, and its SDK where there is one.

Each ``core/test/pipelines/<name>/pipeline.yaml`` is parsed strictly, so that an unknown key or a value of a wrong type
fails here, not in a cluster. Set ``SLUICE_KFP_PYTHON`` to a Python that has ``kfp`` 2.17 to have the SDK load them, too.
"""
import importlib.util
import json
from pathlib import Path

import pytest
import yaml

pipeline_spec_pb2 = pytest.importorskip("kfp.pipeline_spec.pipeline_spec_pb2", reason="needs kfp-pipeline-spec and googleapis-common-protos")
from google.protobuf import json_format  # noqa: E402

PIPELINES = sorted((Path(__file__).parent.parent / "core" / "test" / "pipelines").glob("*/pipeline.yaml"))


def parse(message_class, value):
    """The message, and the value again as KFP would print it."""
    message = json_format.ParseDict(value, message_class())
    return message, json_format.MessageToDict(message)


def without_defaults(value):
    """Proto3 has no difference between a default and nothing: ``cachingOptions: {}`` stays, empty texts and lists go."""
    if isinstance(value, dict):
        return {key: without_defaults(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_defaults(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def documents(path):
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def dags(pipeline):
    """Each DAG's tasks, with the parameters that they can take: the pipeline's, and those of DAGs within it."""
    for component in [pipeline["root"], *pipeline["components"].values()]:
        if "dag" in component:
            yield component["dag"]["tasks"], component.get("inputDefinitions", {}).get("parameters", {})


def identify(path):
    return path.parent.name


def test_there_are_pipelines():
    assert len(PIPELINES) > 60


@pytest.mark.parametrize("path", PIPELINES, ids=identify)
def test_pipeline_parses_strictly_and_comes_out_as_it_went_in(path):
    pipeline, *_ = documents(path)
    message, again = parse(pipeline_spec_pb2.PipelineSpec, pipeline)
    assert without_defaults(again) == without_defaults(pipeline)
    parse(pipeline_spec_pb2.PipelineDeploymentConfig, pipeline["deploymentSpec"])
    assert message.schema_version == "2.1.0"


@pytest.mark.parametrize("path", PIPELINES, ids=identify)
def test_platform_parses_strictly(path):
    _, *platforms = documents(path)
    assert len(platforms) < 2
    for platform in platforms:
        _, again = parse(pipeline_spec_pb2.PlatformSpec, platform)
        assert without_defaults(again) == without_defaults(platform)


@pytest.mark.parametrize("path", PIPELINES, ids=identify)
def test_references_lead_somewhere(path):
    pipeline, *_ = documents(path)
    components, executors = pipeline["components"], pipeline["deploymentSpec"]["executors"]
    for tasks, parameters in dags(pipeline):
        for task in tasks.values():
            component = components[task["componentRef"]["name"]]
            assert "dag" in component or component["executorLabel"] in executors
            assert set(task.get("dependentTasks", [])) <= set(tasks)
            inputs, declared = task.get("inputs", {}), component.get("inputDefinitions", {})
            for key, source in inputs.get("artifacts", {}).items():
                producer, output = source["taskOutputArtifact"]["producerTask"], source["taskOutputArtifact"]["outputArtifactKey"]
                made = components[tasks[producer]["componentRef"]["name"]]["outputDefinitions"]["artifacts"]
                assert made[output]["artifactType"] == declared["artifacts"][key]["artifactType"]
                assert producer in task["dependentTasks"]
            for key, source in inputs.get("parameters", {}).items():
                kind = declared["parameters"][key]["parameterType"]
                if "runtimeValue" in source:  # what a snapshot's task is told
                    assert kind in ("STRING", "LIST"), key
                else:
                    assert parameters[source["componentInputParameter"]]["parameterType"] == kind


@pytest.mark.parametrize("path", PIPELINES, ids=identify)
def test_the_source_of_each_step_is_the_notebook_s(path):
    pipeline, *_ = documents(path)
    notebook = json.loads((path.parent / "notebook.ipynb").read_text(encoding="utf-8"))
    for name, executor in pipeline["deploymentSpec"]["executors"].items():
        if name == "exec-sluice-snapshot":
            continue
        args = executor["container"]["args"]
        step = json.loads("".join(part for option, part in zip(args, args[1:]) if option == "--step"))
        assert step["version"] == 1
        for cell in step["cells"]:
            assert cell["source"] == "".join(notebook["cells"][cell["index"]]["source"])
        assert not any("{{" in arg for arg in args if arg != "{{$}}")


@pytest.mark.parametrize("change", ["misspelt", "type"])
def test_the_judge_is_strict(change):
    pipeline, *_ = documents(PIPELINES[0])
    task = next(iter(pipeline["root"]["dag"]["tasks"].values()))
    task.update({"cachingOption": {}} if change == "misspelt" else {"dependentTasks": "load"})
    with pytest.raises(json_format.ParseError):
        parse(pipeline_spec_pb2.PipelineSpec, pipeline)


@pytest.mark.parametrize("path", PIPELINES, ids=identify)
def test_the_platform_s_executors_are_kubernetes_s(path):
    spec = importlib.util.find_spec("kfp")
    folders = [Path(folder) / "kubernetes" / "kubernetes_executor_config_pb2.py" for folder in (spec.submodule_search_locations or [])]
    found = next((folder for folder in folders if folder.exists()), None)
    if found is None:
        pytest.skip("kfp-kubernetes is not installed")
    # by its path: importing kfp.kubernetes would import the SDK
    module_spec = importlib.util.spec_from_file_location("kubernetes_executor_config_pb2", found)
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    _, *platforms = documents(path)
    for platform in platforms:
        for config in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
            _, again = parse(module.KubernetesExecutorConfig, config)
            assert again == config
