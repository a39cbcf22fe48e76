"""`python -m selfsynth`: the same as the `selfsynth` command."""

from selfsynth.cli import main

if __name__ == "__main__":
    main()
