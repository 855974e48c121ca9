"""Is it a parrot, and which one: the pipeline that every function shares."""
