"""The embedded stack: storage, model server, functions and page on one machine, by one command."""
