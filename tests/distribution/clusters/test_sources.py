"""Who the workers are, from what launchers and schedulers leave in the environment."""

import json

import pytest
from tensorflow.python.distribute.cluster_resolver import slurm_cluster_resolver as own

from tfprune.distribution import clusters, workers
from tfprune.distribution.clusters import kubernetes, slurm, tf_config
from tfprune.errors import PruningError


def told(cluster, job="worker", index=0):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": job, "index": index}})}


def step(hosts, tasks, number=0, count=None):
    found = {
        "SLURM_STEP_NODELIST": hosts,
        "SLURM_STEP_TASKS_PER_NODE": tasks,
        "SLURM_PROCID": str(number),
    }
    return found | ({} if count is None else {"SLURM_STEP_NUM_TASKS": str(count)})


def pod(**changes):
    found = {
        "JOB_COMPLETION_INDEX": "1",
        "TFPRUNE_JOB": "prune",
        "TFPRUNE_SERVICE": "prune-workers",
        "TFPRUNE_WORKERS": "3",
    }
    return {**found, **changes}


def test_a_chief_is_the_first_worker():
    found = tf_config.resolver(told({"chief": ["a:1"], "worker": ["b:1", "c:1"]}, index=1))
    assert (found.task_type, found.task_id) == ("worker", 1)
    assert workers.count_of(found) == 3


@pytest.mark.parametrize("environment", [{}, {"TF_CONFIG": ""}, {"TF_CONFIG": "{}"}])
def test_without_a_cluster_there_is_none(environment):
    assert tf_config.resolver(environment) is None


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"TF_CONFIG": "worker"}, r"TF_CONFIG cannot be read: JSONDecodeError.*received worker"),
        ({"TF_CONFIG": "[1]"}, r"cannot be read: AttributeError"),
        (told({"worker": ["a:1"]}, index=1), r"no task 1 of the job 'worker'"),
        (told({"worker": ["a:1"]}, job="chief"), r"no task 0 of the job 'chief'"),
        (told({"worker": ["a:1"], "ps": ["b:1"]}), r"\['ps'\] take no part"),
        ({"TF_CONFIG": '{"cluster": {"worker": ["a:1"]}}'}, r"KeyError: 'task'.*Expected \{"),
    ],
)
def test_a_variable_that_cannot_be_read_is_refused(environment, message):
    with pytest.raises(PruningError, match=message):
        tf_config.resolver(environment)


HOSTS = {
    "n1": ["n1"],
    "n[1-2],m5,o[3-4,6,7-9]": ["n1", "n2", "m5", "o3", "o4", "o6", "o7", "o8", "o9"],
    "gpu[08-11]": ["gpu08", "gpu09", "gpu10", "gpu11"],
    "n[9-10]": ["n9", "n10"],
    "a-b-01,c": ["a-b-01", "c"],
}


@pytest.mark.parametrize("names", HOSTS)
def test_hosts_of_slurm_are_those_that_tensorflow_reads(names):
    assert list(slurm._hosts(names)) == HOSTS[names] == own.expand_hostlist(names)


@pytest.mark.parametrize("text", ["1", "3(x2),2,1", "4(x10)"])
def test_tasks_of_slurm_are_those_that_tensorflow_reads(text):
    assert list(slurm._tasks(text)) == own.expand_tasks_per_node(text)


def test_each_task_of_a_step_has_the_address_of_its_own_host():
    hosts = []
    for number in range(5):
        found = slurm.resolver(step("n[9-11]", "2(x2),1", number, 5))
        hosts.append(found.cluster_spec().task_address("worker", found.task_id))
    assert hosts == ["n9:8888", "n9:8889", "n10:8888", "n10:8889", "n11:8888"]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (step("n[1-2]", "1"), r"contradict each other: the hosts n\[1-2\] with 1 tasks"),
        (step("n[1-2]", "1(x2)", 2), r"2 tasks in all, this one number 2.*one `srun`"),
        (step("n[1-2]", "1(x2)", 0, 3), r"3 tasks in all"),
        (step("n[1-2", "1"), r"SLURM_STEP_NODELIST=n\[1-2 cannot be read"),
        (step("n1", "one"), r"SLURM_STEP_TASKS_PER_NODE=one cannot be read"),
    ],
)
def test_a_step_that_cannot_be_is_refused(environment, message):
    with pytest.raises(PruningError, match=message):
        slurm.resolver(environment)


def test_pods_find_one_another_by_the_service():
    found = kubernetes.resolver(pod(TFPRUNE_PORT="7000"))
    assert found.task_id == 1
    assert found.cluster_spec().job_tasks("worker") == [
        f"prune-{number}.prune-workers:7000" for number in range(3)
    ]


def test_other_indexed_jobs_have_no_workers():
    assert kubernetes.resolver({"JOB_COMPLETION_INDEX": "0"}) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"TFPRUNE_SERVICE": ""}, r"missing: TFPRUNE_SERVICE"),
        ({"JOB_COMPLETION_INDEX": "3"}, r"number 3 of 3"),
        ({"TFPRUNE_WORKERS": "two"}, r"number 1 of two.*docs/cluster\.md"),
    ],
)
def test_a_pod_that_cannot_be_is_refused(changes, message):
    with pytest.raises(PruningError, match=message):
        kubernetes.resolver(pod(**changes))


def test_tf_config_comes_before_what_a_scheduler_says(monkeypatch):
    for name, value in {**step("n1", "1"), **pod(), **told({"worker": ["a:1", "b:1"]})}.items():
        monkeypatch.setenv(name, value)
    assert clusters.found().cluster_spec().job_tasks("worker") == ["a:1", "b:1"]
    monkeypatch.delenv("TF_CONFIG")
    assert clusters.found().cluster_spec().job_tasks("worker") == ["n1:8888"]
    monkeypatch.delenv("SLURM_PROCID")
    assert len(clusters.found().cluster_spec().job_tasks("worker")) == 3
    monkeypatch.delenv("JOB_COMPLETION_INDEX")
    assert clusters.found() is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"SLURM_PROCID": "x"}, "SLURM_PROCID=x cannot be read: expected a whole number"),
        ({"SLURM_STEP_NUM_TASKS": "two"}, "SLURM_STEP_NUM_TASKS=two cannot be read"),
        ({"SLURM_STEP_NODELIST": "n[a-b]"}, r"SLURM_STEP_NODELIST=n\[a-b\] cannot be read"),
        ({"TFPRUNE_PORT": "http"}, "TFPRUNE_PORT=http cannot be read: expected a whole number"),
        ({"TFPRUNE_PORT": "65535"}, "TFPRUNE_PORT=65535 cannot be: expected 1 to 65534, .* 2 from"),
    ],
)
def test_a_variable_of_slurm_that_is_no_number_is_named(changes, message):
    with pytest.raises(PruningError, match=message):
        slurm.resolver(step("n[1-2]", "2(x2)") | changes)


@pytest.mark.parametrize("port", ["http", "-1", "0", "65536", "\u0663"])
def test_a_port_that_cannot_be_is_refused_in_a_pod(port):
    with pytest.raises(PruningError, match=f"TFPRUNE_PORT={port} cannot be"):
        kubernetes.resolver(pod(TFPRUNE_PORT=port))
