"""How fast the service is, compared with what is possible; `cli` has one run of it."""
