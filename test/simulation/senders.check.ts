/** Many seeds of `senders.test.ts`. */
process.env.PEER_SEEDS ??= '60';
await import('./senders.test.ts');
