"""The archive: raw records of landing files that were loaded long ago, in few Parquet files instead of many CSV files."""
