/**
 * One request to an API server. Run by itself it takes the request as JSON on standard input and
 * prints the answer: for servers that only processes in their network namespace reach.
 */
import https from 'node:https';
import { fileURLToPath } from 'node:url';

export function askServer({ url, method, ca, headers, text }) {
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method, ca, headers, agent: false, timeout: 10_000 }, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString() });
      });
    });
    request.on('timeout', () => request.destroy(new Error(`${method} ${url}: no answer`)));
    request.on('error', reject);
    request.end(text === '' ? undefined : text);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const pieces = [];
  for await (const piece of process.stdin) pieces.push(piece);
  const answer = await askServer(JSON.parse(Buffer.concat(pieces).toString()));
  process.stdout.write(JSON.stringify(answer));
}
