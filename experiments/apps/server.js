// SPDX-License-Identifier: BSD-3-Clause
// A web application in node, without a framework: one process, one event loop.
//
//     PORT=3000 node server.js
'use strict';
const http = require('node:http');

// The recursion is the work: tens of milliseconds, in which the loop serves nobody else.
function fibonacci(n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

function answer(path) {
  if (path === '/') return JSON.stringify({ hello: 'world' });
  if (path === '/report') return String(fibonacci(30));
  return null;
}

const server = http.createServer((request, response) => {
  const body = answer(request.url);
  response.writeHead(body === null ? 404 : 200, { 'Content-Type': 'application/json' });
  response.end(body ?? '');
});

server.listen({ port: Number(process.env.PORT), host: process.env.HOST, backlog: 4096 });
