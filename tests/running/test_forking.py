"""A process that has had runs can still be forked: torch hangs in children of one that it has had threads in."""

import os
import subprocess
import sys

CODE = """
import multiprocessing
import sys

import torch

torch.set_num_threads(2)
import evoplug


def forward(number):
    return float((torch.ones(3000, 300) @ torch.ones(300, 300)).sum())


images = {"use": "digits"}
network = {"use": "convnet"}
configs = {
    "leea": {
        "strategy": {"use": "leea", "population": 8},
        "genotype": {"use": "weights", "network": {"use": "mlp", "hidden": [32]}},
        "evaluator": {"use": "classification", "dataset": images, "batch": 64},
    },
    "train": {
        "strategy": {"use": "gradient-descent", "population": 2},
        "evaluator": {"use": "train", "dataset": images, "network": network, "batch": 256},
    },
}
for name, config in configs.items():
    run = evoplug.run({"run": {"stop": {"generations": 1}, "workers": 2}, **config}, out=f"{sys.argv[1]}/{name}")
    evoplug.resume(run.folder, {"run.stop.generations": 2})
    assert run.best.module is not None
assert torch.get_num_threads() == 2
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map_async(forward, range(2)).get(timeout=20) == [270000000.0] * 2
"""


def test_a_pool_by_fork_works_after_runs(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "ignore", "-c", CODE, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
