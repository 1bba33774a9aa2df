// `castor desk` in Chromium. CASTOR names the program.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BrowserDriver } from './browser-driver.mjs';
import { deskFlow, drawn, inNewFolder, settled } from './desk-flow.mjs';

/** A folder and a file that are dropped on the review screen are read, and known by the names that they were dropped under. */
async function dropped(driver, work) {
  const files = drawn(work).slice(0, 3);
  const lote = join(work, 'lote');
  mkdirSync(join(lote, 'mesa 1'), { recursive: true });
  cpSync(files[0], join(lote, 'mesa 1', 'acta.pdf'));
  cpSync(files[1], join(lote, 'otra.pdf'));
  writeFileSync(join(lote, 'leame.txt'), 'no es un acta');
  await driver.start();
  await driver.drop([lote, files[2]]);
  await driver.page.waitForURL(/#\/sources/);
  const status = await settled(driver, 3);
  assert.equal(status.import.failed, 0);
  const { items } = await driver.ask('import_items', { offset: 0, limit: 10 });
  const due = ['lote/mesa 1/acta.pdf', 'lote/otra.pdf', files[2].split('/').at(-1)].sort();
  assert.deepEqual(items.map(({ source }) => source).sort(), due);
  // Copies made to be read go after what was read of them is kept.
  const left = () => {
    try {
      return readdirSync(join(driver.data, 'incoming'), { recursive: true });
    } catch {
      return ['a folder that went while it was looked through'];
    }
  };
  for (let i = 0; i < 1200 && left().length > 0; i += 1) await driver.page.waitForTimeout(50);
  assert.deepEqual(left(), [], 'copies made to be read are still there');
  console.log('dropped: a folder and a file, on the review screen');
}

await inNewFolder((place) => new BrowserDriver(place), dropped);
await inNewFolder((place) => new BrowserDriver(place), deskFlow);
console.log('ok');
