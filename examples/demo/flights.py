"""The demo's input: the committed slice of real flights, as JSON with a running id."""

import csv
import io
import json
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Flight:
    id: int
    date: str
    delay: int
    distance: int
    origin: str
    destination: str

    def json(self):
        return json.dumps(vars(self), separators=(",", ":"))


def load(path, count):
    """The first `count` flights of the zstd-compressed CSV file, with ids from 1."""
    text = subprocess.run(["zstd", "-dcq", str(path)], check=True, stdout=subprocess.PIPE).stdout
    flights = []
    for row in csv.DictReader(io.StringIO(text.decode())):
        if len(flights) == count:
            break
        flights.append(Flight(len(flights) + 1, row["date"], int(row["delay"]),
                              int(row["distance"]), row["origin"], row["destination"]))
    if len(flights) < count:
        raise ValueError(f"{path} has {len(flights):,} flights only, {count:,} were asked for")
    return flights
