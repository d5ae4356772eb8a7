"""The write side: tenants post events over HTTP, and an answer means the events are on disk.

A request is decoded (`wire`), judged (`events`), written as CSV rows (`rows`) and appended with its
neighbours to one open segment under `$SLUICE_HOME/ingest/` (`segment`, `writer`). After a second or 8 MB
the segment becomes a landing file of the feed tenant_events (`landing`), and the next build reads it like
any other file.
"""
