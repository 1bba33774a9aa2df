#!/usr/bin/env python3
"""Write crates/castor-domain/data from tables of the Registraduría.

    geography.py TABLES_FOLDER

TABLES_FOLDER holds the public tables that data/README.md names. Every spelling of a place is kept with the years in
which it was used, newest first; codes of different years are united. Running it twice gives the same files.
"""

import collections
import csv
import json
import pathlib
import re
import sys

DATA = pathlib.Path(__file__).resolve().parent.parent / "crates" / "castor-domain" / "data"


def code(text, length):
    """A code as printed; some tables hold codes as numbers."""
    text = text.strip()
    if re.fullmatch(r"\d+\.0", text):
        text = text[:-2]
    return text.zfill(length)


def name(text):
    """A name on one line; the 2022 table has lower case ñ among capitals."""
    text = " ".join(text.split())
    return text.upper() if text.replace("ñ", "").isupper() else text


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


class Names:
    """Names of places by code, each with the years in which it was used."""

    def __init__(self):
        self.years = collections.defaultdict(lambda: collections.defaultdict(set))

    def add(self, key, text, year):
        text = name(text)
        if re.search(r"\w", text):
            self.years[key][text].add(year)

    def write(self, path):
        lines = []
        for key in sorted(self.years):
            spellings = sorted(self.years[key].items(), key=lambda s: (-max(s[1]), s[0]))
            for text, years in spellings:
                used = ",".join(f"{y % 100:02}" for y in sorted(years, reverse=True))
                lines.append(f"{key}\t{used}\t{text}\n")
        path.write_text("".join(lines), encoding="utf-8")
        print(f"{path.name}: {len(self.years)} codes, {len(lines)} names, {path.stat().st_size} bytes")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    tables = pathlib.Path(sys.argv[1])
    departamentos, municipios, puestos = Names(), Names(), Names()

    viewer = json.loads((tables / "departamentos_registraduria_2026.json").read_text(encoding="utf-8"))
    for node in viewer["data"]["allDepartments"]["nodes"]:
        departamentos.add(code(node["idDepartmentCode"], 2), node["departmentName"], 2026)

    for row in rows(tables / "municipios_registraduria_2022.csv"):
        departamento = code(row["dd"], 2)
        departamentos.add(departamento, row["departamento"], 2022)
        municipios.add(departamento + code(row["mmm"], 3), row["municipio"], 2022)

    for row in rows(tables / "divipol_2026_presidente_puestos.csv"):
        municipio = code(row["departamento_codigo"], 2) + code(row["municipio_codigo"], 3)
        municipios.add(municipio, row["municipio_nombre"], 2026)
        puestos.add(municipio + code(row["zona_codigo"], 2) + code(row["puesto_codigo"], 2), row["puesto_nombre"], 2026)

    for file, year in [("divipol_2018_puestos_potencial.csv", 2018), ("divipol_2025_juventudes_puestos_latlon.csv", 2025)]:
        for row in rows(tables / file):
            departamento = code(row["dd"], 2)
            municipio = departamento + code(row["mm"], 3)
            departamentos.add(departamento, row["departamento"], year)
            municipios.add(municipio, row["municipio"], year)
            puestos.add(municipio + code(row["zz"], 2) + code(row["pp"], 2), row["puesto"], year)

    DATA.mkdir(exist_ok=True)
    departamentos.write(DATA / "departamentos.tsv")
    municipios.write(DATA / "municipios.tsv")
    puestos.write(DATA / "puestos.tsv")

    lists = sorted(rows(tables / "partidos_congreso_2022.csv"), key=lambda r: r["code"])
    path = DATA / "listas_congreso_2022.tsv"
    path.write_text("".join(f"{r['code']}\t{' '.join(r['name'].split())}\n" for r in lists), encoding="utf-8")
    print(f"{path.name}: {len(lists)} lists, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
