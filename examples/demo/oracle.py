"""What the job must write, worked out again without the job: over ids, keys and values."""

MINUTES_OF_A_DELAY = 15
# The lowest delay of each class, in minutes.
CLASSES = ((180, "severe"), (60, "major"), (30, "moderate"), (15, "minor"))


def delay_class(delay):
    return next(name for lowest, name in CLASSES if delay >= lowest)


def expected(flights):
    """id -> (key, value as parsed JSON) of every record that must come out."""
    return {
        flight.id: (flight.origin, {**vars(flight), "delay_class": delay_class(flight.delay)})
        for flight in flights
        if flight.delay >= MINUTES_OF_A_DELAY
    }
