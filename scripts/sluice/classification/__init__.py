"""Classification in the graph: the warehouse's side of sluice.classify, light to import as that is not."""
