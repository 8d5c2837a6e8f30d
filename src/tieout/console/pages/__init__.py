"""One module per page: a typed context, and the view that fills it."""
