"""What a model bundle contains: manifest, gate, species, model inputs."""
