"""The outside world: each module satisfies a Protocol of the core with one vendor's client."""
