// `castor desk` in Chromium. CASTOR names the program.
import { BrowserDriver } from './browser-driver.mjs';
import { deskFlow, inNewFolder } from './desk-flow.mjs';

await inNewFolder((place) => new BrowserDriver(place), deskFlow);
console.log('ok');
