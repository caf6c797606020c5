"""The files of docs/cluster that people copy: their grammar, command lines and variables."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from absl.testing import flagsaver

import prune
from flags import commandline
from tfprune.distribution.clusters import kubernetes

FOLDER = Path(__file__).parents[1] / "docs" / "cluster"
SHELLS = sorted(FOLDER.glob("*.sh"))


def flags_of(words):
    """Parse the flags behind prune.py, as the script would, and return {name: value}."""
    given = words[words.index("prune.py") + 1 :]
    with flagsaver.flagsaver():
        prune.define_flags()
        assert commandline.parse(["prune.py", *given]) == ["prune.py"]
        return {name: commandline.FLAGS[name].value for name in ("strategy", "gpus", "batch_size")}


def command(path):
    """The words of a shell file's call of prune.py, without what the shell fills in."""
    text = path.read_text().replace("\\\n", " ")
    [line] = re.findall(r"python prune\.py.*", text)
    line = re.sub(r'"\$\{DATA[^"]*"', "DATA", line).replace('"$@"', "")
    return shlex.split(line.partition("||")[0])


def test_there_are_files_for_every_place():
    assert [path.name for path in SHELLS] == ["eight_gpus.sh", "slurm.sh"]
    page = (FOLDER.parent / "cluster.md").read_text()
    for path in FOLDER.iterdir():
        assert f"](cluster/{path.name})" in page


@pytest.mark.parametrize("path", SHELLS, ids=lambda path: path.name)
def test_shell_files_are_sound(path):
    done = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)  # noqa: S603, S607
    assert (done.returncode, done.stderr) == (0, "")
    assert path.read_text().startswith("#!/usr/bin/env bash\n")


def test_eight_gpus_are_eight():
    found = flags_of(command(FOLDER / "eight_gpus.sh"))
    assert found["strategy"] == "mirrored"
    assert len(found["gpus"]) == 8
    assert found["batch_size"] % 8 == 0


def test_slurms_job_runs_several_workers():
    text = (FOLDER / "slurm.sh").read_text()
    assert flags_of(command(FOLDER / "slurm.sh"))["strategy"] == "multi_worker"
    options = dict(re.findall(r"^#SBATCH --([a-z-]+)=(\S+)$", text, re.M))
    assert int(options["nodes"]) * int(options["ntasks-per-node"]) > 1
    assert re.search(r"^srun ", text, re.M)
    assert str(commandline.PREEMPTED) in text


def test_kubernetes_pods_are_the_workers_that_the_scripts_look_for():
    yaml = pytest.importorskip("yaml")
    service, job = yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text())
    assert (service["kind"], job["kind"]) == ("Service", "Job")
    assert service["spec"]["clusterIP"] == "None"
    name, spec = job["metadata"]["name"], job["spec"]
    assert service["spec"]["selector"] == {"job-name": name}
    assert spec["completionMode"] == "Indexed"
    pod = spec["template"]["spec"]
    assert pod["subdomain"] == service["metadata"]["name"]
    [worker] = pod["containers"]
    assert flags_of(worker["command"])["strategy"] == "multi_worker"
    told = {each["name"]: each["value"] for each in worker["env"]}
    found = kubernetes.resolver({**told, "JOB_COMPLETION_INDEX": "0"})
    hosts = found.cluster_spec().job_tasks("worker")
    assert len(hosts) == spec["completions"] == spec["parallelism"]
    port = worker["ports"][0]["containerPort"]
    assert hosts[1] == f"{name}-1.{pod['subdomain']}:{port}"
    [rule] = spec["podFailurePolicy"]["rules"]
    assert commandline.PREEMPTED not in rule["onExitCodes"]["values"]
