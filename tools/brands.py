#!/usr/bin/env python3
"""Writes src/processing/trades/brands.txt: brands and the trade each is in.

  tools/brands.py [VERSION]

The brands are those of OpenStreetMap's name-suggestion-index (https://github.com/osmlab/name-suggestion-index,
BSD-3-Clause), fetched with npm. Which of its kinds of places belong to which trade is said in trades.txt beside it.
Kept are brands of English-speaking countries, of Europe, and worldwide ones, with a name of three letters or more
that trades.txt does not list itself. Only the standard library is used.
"""
import json, re, subprocess, sys, tarfile, tempfile, unicodedata
from collections import Counter
from pathlib import Path

VERSION = "8.0.20260918"
# ISO 3166-1, its subdivisions too, and UN M49: the world, the Americas, North America, Europe
COUNTRIES = {"au", "ca", "gb", "ie", "nz", "us"}
REGIONS = {"001", "019", "021", "150"}
NAMES = ("name", "name:en", "short_name", "brand", "operator", "network")
SHORTEST = 3

TRADES = Path(__file__).resolve().parent.parent / "src/processing/trades"


def listed():
    """The trade of each place, in the order of the file, which is that of preference; and what payees are told by."""
    trade, places, payees = None, {}, set()
    for line in (TRADES / "trades.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if not line.startswith(" "):
            trade = line
        elif line.strip().startswith("places: "):
            places.update((place, trade) for place in line.split(": ", 1)[1].split(", "))
        elif line.strip().startswith("payees: "):
            payees.update(line.split(": ", 1)[1].split(", "))
    return places, payees


def fold(name):
    """As bank text is read: lower case, no accents, no apostrophes, words apart by single spaces."""
    name = unicodedata.normalize("NFKD", name.lower())
    name = "".join(c for c in name if not unicodedata.combining(c) and c not in "'’`")
    return " ".join(re.findall(r"[a-z0-9&]+", name))


def is_near(item):
    regions = [region for region in item["locationSet"]["include"] if isinstance(region, str)]
    return any(region in REGIONS or region.split("-")[0] in COUNTRIES for region in regions)


def main():
    version = sys.argv[1] if len(sys.argv) > 1 else VERSION
    with tempfile.TemporaryDirectory() as here:
        subprocess.run(["npm", "pack", "--silent", f"name-suggestion-index@{version}"], cwd=here, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(here).glob("*.tgz"))) as package:
            index = json.load(package.extractfile("package/dist/json/nsi.min.json"))["nsi"]
            licence = package.extractfile("package/LICENSE.md").read().decode()
    (places, payees), brands = listed(), {}
    order = list(dict.fromkeys(places.values()))
    for kind, entry in index.items():
        # "brands/amenity/fuel": a tree, and a place in it
        tree, place = kind.split("/", 1)
        trade = places.get(place)
        for item in filter(is_near, entry["items"] if trade else []):
            own = fold(item["displayName"])
            names = {own, *map(fold, item.get("matchNames", [])), *(fold(item["tags"].get(key, "")) for key in NAMES)}
            for name in names:
                if len(name) >= SHORTEST and name not in payees:
                    # what it sells is more than what it runs (chargers, parking) or has inside (a restaurant)
                    weight = (100 if tree == "brands" else 1) * (10 if name == own else 1)
                    brands.setdefault(name, Counter())[trade] += weight
    with open(TRADES / "brands.txt", "w") as out:
        out.write(f"# Brands and the trade of each, from name-suggestion-index {version} by tools/brands.py; see LICENSE.md.\n")
        for name, trades in sorted(brands.items()):
            trade = min(trades, key=lambda trade: (-trades[trade], order.index(trade)))
            out.write(f"{name}: {trade}\n")
    (TRADES / "LICENSE.md").write_text(f"brands.txt comes from the name-suggestion-index, under this licence.\n\n{licence}")
    print(f"{len(brands)} brands", file=sys.stderr)


if __name__ == "__main__":
    main()
