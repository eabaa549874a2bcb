/** A log to look at where the host has none: a few lines a second, until stopped. */
import * as fs from 'node:fs';

const linesAtOnce = 5;
const intervalMs = 250;
const words = ['accepted', 'resolved', 'rejected', 'retried', 'stored', 'expired'];

export function writeSample(path: string): Disposable {
  let number = 0;
  const write = () => {
    let text = '';
    for (let i = 0; i < linesAtOnce; i++) {
      number++;
      text += `${new Date().toISOString()} sample[${process.pid}]: request ${number} ${words[number % words.length]} in ${(number * 7) % 113} ms\n`;
    }
    fs.appendFileSync(path, text);
  };
  write();
  const timer = setInterval(write, intervalMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
