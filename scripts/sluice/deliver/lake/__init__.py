"""The outlet of the lake: partitioned Parquet copies for other tools."""
