"""How many records a right answer to a benchmark holds, by the flights that go in."""

import datetime

MINUTES_OF_A_DELAY = 15
HOURS_OF_A_WINDOW = 3
# More than the slice of the flights has, and a day more than windows are kept for late ones.
DAYS_OF_THE_SLICE = 16


def hour_of(date):
    when = datetime.datetime.fromisoformat(date).replace(tzinfo=datetime.timezone.utc)
    return int(when.timestamp()) // 3600


def late_flights(rows, events):
    """How many records examples/flight_delays makes of these rows, repeated."""
    late = [int(row["delay"]) >= MINUTES_OF_A_DELAY for row in rows]
    whole, part = divmod(events, len(late))
    return whole * sum(late) + sum(late[:part])


def windows_of_airports(rows, events):
    """The same of examples/airport_delays: no window has rows of two repetitions."""
    def windows(some):
        hours = {(row["origin"], hour_of(row["date"])) for row in some}
        return len({(origin, hour + ahead) for origin, hour in hours
                    for ahead in range(HOURS_OF_A_WINDOW)})
    whole, part = divmod(events, len(rows))
    return (whole * windows(rows) if whole else 0) + windows(rows[:part])
