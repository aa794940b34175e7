"""``python -m evoplug`` is the command ``evoplug``."""

from evoplug.cli import main

if __name__ == "__main__":
    main()
