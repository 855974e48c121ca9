"""The local stack: storage, model server, functions and page on one machine, with one command."""
