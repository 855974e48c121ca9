"""Fitting and calibrating the gate and the species head."""
