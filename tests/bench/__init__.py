"""The benchmarks: load generator, report, promises."""
