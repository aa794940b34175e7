"""A run that goes on elsewhere says from where its data come now."""

import pytest
from PIL import Image

import evoplug


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Makes a data folder of a brightness the one in which data are looked for; gives its own folder."""

    def put(name: str, brightness: int):
        for half in ("train", "test"):
            for colour in ("dark", "light"):
                folder = tmp_path / name / "pets" / half / colour
                folder.mkdir(parents=True)
                for number in range(6):
                    level = brightness + (60 if colour == "light" else 0) + number
                    Image.new("L", (4, 4), level).save(folder / f"{number}.png")
        monkeypatch.setenv("EVOPLUG_DATA", str(tmp_path / name))
        return tmp_path / name / "pets"

    return put


class Notices(evoplug.Watch):
    def __init__(self):
        self.said = []

    def notice(self, text):
        self.said.append(text)


def test_other_data_are_not_taken_in_silence(tmp_path, pictures) -> None:
    config = {
        "run": {"stop": {"generations": 1}},
        "strategy": "gradient-descent",
        "evaluator": {
            "use": "train",
            "dataset": {"use": "image-folder", "folder": "pets", "channels": 1, "validation": 2},
        },
    }
    first = pictures("one", 20)
    run, watch = evoplug.run(config, out=tmp_path / "run"), Notices()
    evoplug.resume(run, {"run.stop.generations": 2}, watch=watch)
    assert watch.said == []
    second = pictures("two", 90)
    evoplug.resume(run, {"run.stop.generations": 3}, watch=watch)
    assert watch.said == [f"data are read from {second} now; before, they were read from {first}"]
