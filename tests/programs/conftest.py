"""The programs here are run by tests/interop and tests/parity; they are no tests themselves."""

collect_ignore_glob = ["*.py"]
