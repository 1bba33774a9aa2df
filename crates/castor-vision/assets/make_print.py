#!/usr/bin/env python3
"""Renders the print samples of the line matcher: print.png and print.tsv beside this script.

    make_print.py FOLDER_OF_LIBERATION_SANS      (Debian: /usr/share/fonts/truetype/liberation)

The forms are set in Arial; Liberation Sans has the same metrics and nearly the same outlines. Every sample is a cell of
CAP * 1.6 pixels' height (capitals stand on the base line at CAP * 1.36) and of its advance width; cells stand side by
side in print.png, 0 = paper, 255 = ink. print.tsv: weight, character, left edge, advance in cap heights.
"""
import pathlib
import sys
from PIL import Image, ImageDraw, ImageFont

CAP, SCALE = 20, 8
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZÁÉÍÓÚÑÜ"
LOWER = "abcdefghijklmnopqrstuvwxyzáéíóúñü"
DIGITS = "0123456789"
SIGNS = ".,:-/&'\"()+"
SETS = [("regular", "LiberationSans-Regular.ttf", UPPER + LOWER + DIGITS + SIGNS),
        ("bold", "LiberationSans-Bold.ttf", UPPER + DIGITS + SIGNS)]


def main():
    fonts = pathlib.Path(sys.argv[1])
    here = pathlib.Path(__file__).parent
    cells, rows, left = [], [], 0
    for weight, name, characters in SETS:
        # Size at which the capitals are CAP * SCALE pixels high.
        probe = ImageFont.truetype(str(fonts / name), 1000)
        top, bottom = probe.getbbox("H", anchor="ls")[1::2]
        font = ImageFont.truetype(str(fonts / name), round(1000 * CAP * SCALE / (bottom - top)))
        for c in characters:
            advance = font.getlength(c)
            width = round(advance / SCALE)
            big = Image.new("L", (width * SCALE, round(CAP * 1.6) * SCALE), 0)
            ImageDraw.Draw(big).text((0, round(CAP * 1.36) * SCALE), c, fill=255, font=font, anchor="ls")
            cells.append(big.resize((width, round(CAP * 1.6)), Image.BOX))
            rows.append(f"{weight}\t{c}\t{left}\t{advance / SCALE / CAP:.4f}")
            left += width
    sheet = Image.new("L", (left, round(CAP * 1.6)), 0)
    x = 0
    for cell in cells:
        sheet.paste(cell, (x, 0))
        x += cell.width
    sheet.save(here / "print.png", optimize=True)
    (here / "print.tsv").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
