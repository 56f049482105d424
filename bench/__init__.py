"""Benchmarks: ratios against bare Faust and bare aiokafka in the same run, on the same broker. `python -m bench`."""
