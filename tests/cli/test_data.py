import pytest
import torchvision
from click.testing import CliRunner

from evoplug.cli import main
from evoplug.cli.data import data
from evoplug_supervised.datasets.idx import MNIST


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EVOPLUG_DATA", str(tmp_path))
    return tmp_path


def lines(*arguments):
    result = CliRunner().invoke(data, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output.splitlines()


def put(folder):
    for path in MNIST().files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(2**20))


def test_every_data_set_is_listed_with_its_state(folder):
    put(folder)
    states = dict(line.split(maxsplit=1) for line in lines())
    assert states["digits"] == "needs no files"
    assert states["mnist"] == f"4.0 MiB in {folder / 'MNIST' / 'raw'}"
    assert states["fashion-mnist"].startswith(f"missing {folder / 'FashionMNIST'}")
    assert states["image-folder"] == "your own files, by `folder`"


def test_one_data_set_in_full(folder):
    shown = "\n".join(lines("mnist"))
    assert f"missing {folder / 'MNIST'}" in shown
    assert "55,000 train, 5,000 validation, 10,000 test; 1 x 28 x 28, 10 classes" in shown


def test_what_is_there_is_not_fetched_again(folder):
    put(folder)
    assert lines("mnist", "--download") == [
        f"mnist is there already; remove {folder / 'MNIST' / 'raw'} to fetch it again"
    ]


def ending(capsys, *arguments):
    """Exit code, and what the user reads on the error stream but for progress bars."""
    with pytest.raises(SystemExit) as caught:
        main(["data", *arguments])
    return caught.value.code, [line for line in capsys.readouterr().err.splitlines() if line.startswith("evoplug:")]


def test_a_network_that_fails_is_one_line(folder, capsys, monkeypatch):
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [(folder / "nowhere").as_uri() + "/"])
    code, errors = ending(capsys, "mnist", "--download")
    assert code == 4
    assert len(errors) == 1
    assert f"mnist: cannot be downloaded to {folder}" in errors[0]
    assert list(folder.iterdir()) == []


def test_what_cannot_be_downloaded_says_so(capsys):
    assert ending(capsys, "digits", "--download") == (
        2,
        ["evoplug: error: download: this data set cannot be downloaded"],
    )


def test_an_unknown_name_is_one_line_with_the_nearest(capsys):
    code, errors = ending(capsys, "minst")
    assert code == 2
    assert len(errors) == 1
    assert "did you mean `mnist`" in errors[0]


def test_downloading_needs_a_name():
    result = CliRunner().invoke(data, ["--download"])
    assert result.exit_code == 2
    assert "NAME" in result.output
