// `npm run e2e`: against the fake desk (build first), or against a running one in DESK_URL.
import { accessible } from './access.e2e.mjs';
import { withDesk } from './browser.mjs';
import { queueOfServer } from './queue.e2e.mjs';
import { reviewByKeys, speed } from './review.e2e.mjs';
import { serverScreen } from './server.e2e.mjs';
import { readTwice } from './second.e2e.mjs';

for (const flow of [reviewByKeys, readTwice, serverScreen, speed, accessible]) await withDesk(flow);
await queueOfServer();
console.log('ok');
