// What axe finds on a page.
import { readFile } from 'node:fs/promises';

const AXE = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** Serious and critical findings as lines; others are printed. */
export async function seriousFindings(page, name) {
  // Evaluated by the debugger, which the page's policy does not stop.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  const serious = [];
  for (const { id, impact, help, nodes } of violations) {
    const line = `${name}: ${impact} ${id}: ${help} (${nodes.length}) ${nodes[0].target.join(' ')}`;
    if (impact === 'serious' || impact === 'critical') serious.push(line);
    else console.log(`  note ${line}`);
  }
  return serious;
}
