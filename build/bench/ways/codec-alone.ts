/**
 * `node codec-alone.ts LOG`: compresses a log that is read in pieces, 256 KiB a frame, with the codec that the agent uses, and
 * throws the frames away. Prints what the compressing alone took (reading is left out).
 */
import * as fs from 'node:fs';
import { chooseCodec } from '../../../agent/host/codec.ts';

const rawBytes = 256 * 1024;
const { codec } = chooseCodec();
const [raw, frame] = [Buffer.alloc(64 * rawBytes), Buffer.alloc(codec.frameBytesMax(rawBytes))];
const descriptor = fs.openSync(process.argv[2]!, 'r');
let [milliseconds, microseconds, frameBytes] = [0, 0, 0];
for (let read = next(); read > 0; read = next()) {
  const [start, before] = [performance.now(), process.cpuUsage()];
  for (let at = 0; at < read; at += rawBytes)
    frameBytes += codec.compress(raw.subarray(at, Math.min(at + rawBytes, read)), frame);
  const used = process.cpuUsage(before);
  milliseconds += performance.now() - start;
  microseconds += used.user + used.system;
}
fs.closeSync(descriptor);
console.log(
  JSON.stringify({ name: codec.name, seconds: milliseconds / 1000, cpuSeconds: microseconds / 1e6, frameBytes }),
);

function next(): number {
  return fs.readSync(descriptor, raw);
}
