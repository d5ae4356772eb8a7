"""Classification in the graph: the warehouse's side of sluice.classify. Light to import; the client is not."""
