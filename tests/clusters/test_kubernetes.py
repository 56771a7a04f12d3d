"""The manifest of launch/ against what kubeflow.org/v2beta1 knows, and against netopt itself."""

from __future__ import annotations

import pytest
import yaml

from netopt import config

from .conftest import LAUNCH

JOB = yaml.safe_load((LAUNCH / "mpijob.yaml").read_text("utf-8"))
SPEC = JOB["spec"]
LAUNCHER, WORKER = (SPEC["mpiReplicaSpecs"][name] for name in ("Launcher", "Worker"))
# The fields of the API, each with its type or its words; what is not here the API server drops.
RUN_POLICY = {
    "cleanPodPolicy": ("None", "Running", "All"),
    "ttlSecondsAfterFinished": int,
    "activeDeadlineSeconds": int,
    "backoffLimit": int,
    "schedulingPolicy": dict,
    "suspend": bool,
    "managedBy": str,
}
FIELDS = {
    "slotsPerWorker": int,
    "runLauncherAsWorker": bool,
    "runPolicy": RUN_POLICY,
    "mpiReplicaSpecs": {
        name: {"replicas": int, "restartPolicy": ("Never", "OnFailure"), "template": dict}
        for name in ("Launcher", "Worker")
    },
    "sshAuthMountPath": str,
    "launcherCreationPolicy": ("AtStartup", "WaitForWorkersReady"),
    "mpiImplementation": ("OpenMPI", "Intel", "MPICH"),
}
POD = {"securityContext", "containers", "volumes"}
CONTAINER = {
    *("name", "image", "command", "args", "env", "resources", "volumeMounts", "readinessProbe"),
}


def conforms(value, wanted, place):
    """Compare a part of the manifest with what the API knows at this place."""
    if isinstance(wanted, dict):
        assert set(value) <= set(wanted), place
        for name, part in value.items():
            conforms(part, wanted[name], f"{place}.{name}")
    elif isinstance(wanted, tuple):
        assert value in wanted, place
    else:
        assert type(value) is wanted, place


def container(replica):
    """Return the only container of a replica's pod."""
    (only,) = replica["template"]["spec"]["containers"]
    return only


def test_it_is_a_job_of_the_operator():
    assert (JOB["apiVersion"], JOB["kind"]) == ("kubeflow.org/v2beta1", "MPIJob")
    assert set(JOB) == {"apiVersion", "kind", "metadata", "spec"}
    assert JOB["metadata"] == {"generateName": "netopt-"}


def test_its_fields_are_known():
    conforms(SPEC, FIELDS, "spec")
    assert LAUNCHER["replicas"] == 1


@pytest.mark.parametrize("field", ["slots", "runPolicy.cleanPods", "mpiReplicaSpecs.Master"])
def test_a_field_that_is_not_known_would_be_seen(field):
    changed = yaml.safe_load(yaml.safe_dump(SPEC))
    *path, name = field.split(".")
    place = changed
    for step in path:
        place = place[step]
    place[name] = 2
    with pytest.raises(AssertionError):
        conforms(changed, FIELDS, "spec")


@pytest.mark.parametrize("replica", [LAUNCHER, WORKER])
def test_pods(replica):
    pod, only = replica["template"]["spec"], container(replica)
    assert set(pod) <= POD
    assert set(only) <= CONTAINER
    assert all(isinstance(word, str) for word in only["command"] + only["args"])
    mounts = {mount["name"] for mount in only["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]}
    for amounts in only["resources"].values():  # a bare number would be refused as a quantity
        assert all(isinstance(amount, str) for amount in amounts.values())


def test_both_pods_share_image_user_and_the_place_of_runs():
    for part in ("image", "volumeMounts"):
        assert container(LAUNCHER)[part] == container(WORKER)[part]
    for part in ("volumes", "securityContext"):
        assert LAUNCHER["template"]["spec"][part] == WORKER["template"]["spec"][part]


def test_there_is_a_slot_for_every_agent_and_a_core_for_every_slot():
    name = container(LAUNCHER)["args"][1]
    source = config.locate(name)
    nodes = config.make(config.read(source, ()), source.parent).topology.size
    assert WORKER["replicas"] * SPEC["slotsPerWorker"] == nodes
    assert int(container(WORKER)["resources"]["limits"]["cpu"]) == SPEC["slotsPerWorker"]


def test_the_run_directory_is_on_the_shared_volume_and_new_for_every_pod():
    only = container(LAUNCHER)
    (mount,) = only["volumeMounts"]
    place = only["args"][only["args"].index("--out") + 1]
    assert place == mount["mountPath"] + "/$(POD)"
    assert only["env"] == [
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    ]
