// A page image drawn as SVG: printed form, and handwriting where the form has cells.
import { dice } from './forms.mjs';

const text = (x, y, size, said, more = '') => `<text x="${x}" y="${y}" font-size="${size}" font-family="Arial, 'Liberation Sans', sans-serif" ${more}>${said}</text>`;

export function pageSvg(form, page) {
  const roll = dice(Number.parseInt(form.item.id.slice(0, 8), 16) * 31 + page);
  const out = ['<rect width="1000" height="3090" fill="#f7f4ec"/>'];
  for (const [x, y] of [[10, 12], [960, 12], [10, 3048], [960, 3048]]) out.push(`<rect x="${x}" y="${y}" width="30" height="30"/>`);
  for (let x = 240; x < 760;) { const w = 3 + Math.floor(roll() * 7); out.push(`<rect x="${x}" y="20" width="${w}" height="70"/>`); x += w + 3 + Math.floor(roll() * 7); }
  for (let q = 0; q < 441; q += 1) if (roll() < 0.5) out.push(`<rect x="${20 + (q % 21) * 10}" y="${150 + Math.floor(q / 21) * 10}" width="10" height="10"/>`);
  out.push(text(500, 190, 34, 'ACTA DE ESCRUTINIO DE LOS', 'text-anchor="middle" font-weight="bold"'), text(500, 230, 34, 'JURADOS DE VOTACIÓN', 'text-anchor="middle" font-weight="bold"'));
  out.push(text(500, 290, 36, form.item.copia, 'text-anchor="middle" font-weight="bold"'), text(500, 340, 26, `${form.item.corporacion} · EJEMPLO`, 'text-anchor="middle"'), text(860, 240, 56, 'E-14', 'text-anchor="middle" font-weight="bold"'), text(860, 130, 22, `Ver: 01 Pag: ${page} de ${form.pages.length}`, 'text-anchor="middle"'));
  out.push('<rect x="30" y="400" width="940" height="150" fill="none" stroke="#222" stroke-width="3"/>', text(60, 445, 30, `MESA ${form.item.mesa}`), text(60, 495, 30, form.item.place.toUpperCase()));
  out.push(text(100, 3070, 24, `KIT ${form.header[6].value}`));
  for (const cell of form.cells.filter((c) => c.page === page)) {
    const { x, y, width, height } = cell.place;
    const printed = cell.name ?? cell.label;
    const narrow = /candidato/.test(cell.path) && cell.path.startsWith('lista');
    out.push(`<rect x="${narrow ? x - 120 : 30}" y="${y - 12}" width="${narrow ? width + 130 : 945}" height="${height + 24}" rx="10" fill="none" stroke="#555" stroke-width="2"/>`);
    out.push(narrow ? text(x - 70, y + 50, 36, cell.path.split('.').at(-1), 'text-anchor="middle"') : text(60, y + 50, 30, printed));
    for (let box = 0; box < 3; box += 1) {
      const left = x + (box * width) / 3;
      out.push(`<rect x="${left}" y="${y}" width="${width / 3}" height="${height}" fill="#fff" stroke="#999" stroke-width="2"/>`);
      const mark = cell.ink[box];
      const cx = left + width / 6 + (roll() - 0.5) * 12;
      const cy = y + height / 2 + (roll() - 0.5) * 8;
      if (mark === '*') out.push(`<circle cx="${cx}" cy="${cy}" r="${7 + roll() * 5}" fill="#2b3a67"/>`);
      else if (mark !== '_') out.push(text(cx, cy + 22, 58 + roll() * 10, mark, `text-anchor="middle" fill="#22305c" font-style="italic" font-weight="${roll() < 0.5 ? 400 : 600}" transform="rotate(${(roll() - 0.5) * 22} ${cx} ${cy})"`));
    }
    // What makes the reader doubt: a stroke across the box.
    if (cell.reasons.includes('ARITHMETIC')) out.push(`<path d="M${x + width / 3 + 8} ${y + 16} q 20 30 50 ${height - 34}" stroke="#22305c" stroke-width="4" fill="none" opacity="0.55"/>`);
  }
  if (page === form.pages.length && form.pages.length > 1) {
    out.push(text(60, 1500, 34, 'CONSTANCIAS', 'font-weight="bold"'), '<path d="M60 1570h880M60 1640h880M60 1710h880" stroke="#888" stroke-width="2"/>');
    if (form.recount) out.push(text(80, 1562, 44, 'se contó dos veces, quedó igual', 'fill="#22305c" font-style="italic"'));
    for (let s = 0; s < form.signatures; s += 1) out.push(`<path d="M${80 + (s % 2) * 460} ${2300 + Math.floor(s / 2) * 180} q 60 -90 120 0 t 120 -20 t 100 10" stroke="#22305c" stroke-width="4" fill="none"/>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="1000" height="3090" viewBox="0 0 1000 3090">${out.join('')}</svg>`;
}
