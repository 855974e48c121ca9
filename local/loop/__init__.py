"""The learning loop on one machine: simulated people, and everything that their photos change."""
