#!/usr/bin/env python3
"""Renders the print samples of the line matcher: print.png and print.tsv beside this script.

    make_print.py FOLDER_OF_LIBERATION_SANS      (Debian: /usr/share/fonts/truetype/liberation)

The forms are set in Arial; Liberation Sans has the same metrics and nearly the same outlines. Two of its glyphs differ
where it matters, and are drawn here: its 1 has a foot, and its Q a tail that does not cross the bowl. Every sample is a cell of
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

# Shapes in 2048ths of the em, y upwards: the one as a polygon, the tail of the Q as a stroke (from, to, width).
ONE = {"regular": [(583, 0), (763, 0), (763, 1466), (647, 1466), (560, 1345), (430, 1220), (223, 1104), (223, 930), (400, 1005),
                   (583, 1140)],
       "bold": [(525, 0), (806, 0), (806, 1466), (578, 1466), (490, 1310), (350, 1190), (150, 1112), (150, 870), (350, 950),
                (525, 1065)]}
TAIL = {"regular": ((905, 330), (1460, -60), 170), "bold": ((880, 350), (1480, -60), 250)}


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
            base = round(CAP * 1.36) * SCALE
            draw = ImageDraw.Draw(big)

            def place(point):
                return point[0] * font.size / 2048, base - point[1] * font.size / 2048

            if c == "1":
                draw.polygon([place(p) for p in ONE[weight]], fill=255)
            else:
                draw.text((0, base), "O" if c == "Q" else c, fill=255, font=font, anchor="ls")
            if c == "Q":
                start, end, stroke = TAIL[weight]
                draw.line([place(start), place(end)], fill=255, width=round(stroke * font.size / 2048))
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
