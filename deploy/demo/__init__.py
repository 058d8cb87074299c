"""The main job, end to end, with real programs: `make demo` beside a running `make run`."""
