"""What a model bundle holds: manifest, gate, species, model inputs."""
