"""What is free, by what the system says."""

from pathlib import Path

import pytest

from evoplug import ConfigError
from evoplug.population import memory


def group(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def test_something_is_free() -> None:
    assert memory.free()


def test_a_group_of_version_2_and_those_around_it_set_limits(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("0::/a/b\n")
    root = tmp_path / "cgroup"
    group(root / "a" / "b", memory__max="max", memory__current=10, memory__stat="anon 4\ninactive_file 6")
    group(root / "a", memory__max=100, memory__current=50, memory__stat="anon 43\ninactive_file 7")
    assert list(memory._groups(root, own)) == [57]


def test_a_group_of_version_1_sets_limits(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("9:name=systemd:/\n4:cpu,memory:/a\n0::/\n")
    root = tmp_path / "cgroup"
    stat = "total_inactive_file 5"
    group(root / "memory" / "a", memory__limit_in_bytes=30, memory__usage_in_bytes=40, memory__stat=stat)
    group(root / "memory", memory__limit_in_bytes=100, memory__usage_in_bytes=40, memory__stat=stat)
    assert list(memory._groups(root, own)) == [0, 65]


def test_without_groups_there_are_no_limits(tmp_path: Path) -> None:
    assert list(memory._groups(tmp_path, tmp_path / "none")) == []


def test_a_refusal_has_both_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free", lambda device: 2 * 2**30)
    memory.require(2 * 2**30, "this")
    with pytest.raises(ConfigError, match=r"^size: this: about 20 GiB of memory, and cuda:0 has 2\.0 GiB free$"):
        memory.require(20 * 2**30, "this", "size", "cuda:0")
