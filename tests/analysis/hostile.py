"""Names that are markup, paths, patterns or control sequences somewhere."""

from __future__ import annotations

import json
from os import fsdecode
from pathlib import Path

from analysis.folders import finished

NAMES = (
    'a"><script>alert(1)</script>', "x/../../../victim/owned", r"back\slash \g<1> \1", "nul\0byte", "n" * 300,
    "[/top5]", "[bold]b", "\x1b[31mred\x1b]0;title\x07", "$x_{", "_hidden", "a|b & c_d % #", "..", "two\nlines",
    "{{ page }}", "\u202egnp", "UP", "up", "\x9b31m",
)  # fmt: skip

ARMS = ("a", "_b", "[|c]", "$d$e$", "f\x1b[31m", '"><script>g<', fsdecode(b"caf\xe9"))
"""As names of folders."""

SESSION = {
    "started": "2026-01-01T00:00:00", "python": "3", "platform": "p", "processor": "c", "device": "cpu", "threads": 1,
    "workers": 1, "versions": {"torch": "2"}, "git": None,
}  # fmt: skip


def runs(folder: Path, arms: tuple[str, ...] = ARMS, names: tuple[str, ...] = NAMES) -> Path:
    """Two runs an arm, with metrics and columns of these names, which say that less of ``up`` is better."""
    for index, arm in enumerate(arms):
        for seed in (1, 2):
            rows = [
                {"generations": g, "best": g * seed, **{f"validation.{name}": g * (index + seed) for name in names}}
                for g in (1, 2)
            ]
            run = finished(folder / arm / f"seed-{seed}", seed, rows=rows, strategy={"use": "snes", "sigma": index + 1})
            result = json.loads((run / "result.json").read_text())
            result["ledger"]["seconds"] = 1.5
            result["minimised"] = ["up", "loss"]
            result["test"].update(dict.fromkeys(names, index + seed / 2))
            result["beside"] = {name: {"test": {name: 1.0}} for name in names}
            (run / "result.json").write_text(json.dumps(result))
            (run / "environment.json").write_text(json.dumps({"sessions": [SESSION]}))
            (run / "plugins.lock").write_text(json.dumps({name: {"sha256": "0123"} for name in names}))
    return folder
