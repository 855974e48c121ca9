"""How fast the service is, compared with what is possible; `measure.run` is one run of it."""
