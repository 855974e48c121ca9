"""Fit and calibrate the gate and the species head, and write the bundle."""
