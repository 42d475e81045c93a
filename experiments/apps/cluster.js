// SPDX-License-Identifier: BSD-3-Clause
// The same application in as many processes as WEB_CONCURRENCY says. The primary accepts
// connections, and hands each to the next worker in turn; a worker keeps it until it is closed.
//
//     PORT=3000 WEB_CONCURRENCY=4 node cluster.js
'use strict';
const cluster = require('node:cluster');

if (cluster.isPrimary) {
  let stopping = false;
  for (let i = 0; i < Number(process.env.WEB_CONCURRENCY); i++) cluster.fork();
  process.on('SIGTERM', () => {
    stopping = true;
    for (const worker of Object.values(cluster.workers)) worker.process.kill();
  });
  cluster.on('exit', () => {
    if (!stopping) process.exit(1); // a worker that dies by itself is a fault to be seen
    if (Object.keys(cluster.workers).length === 0) process.exit(0);
  });
} else {
  require('./server.js');
}
