"""Reference pages that are written from the code they describe: `python -m authplane.reference`."""
