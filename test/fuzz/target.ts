/** A decoder under fuzzing: what it is fed with, and what must hold whatever it is fed with. */
export interface Target {
  readonly name: string;
  /** Where its bytes come from: disk, wire, configuration, command line. */
  readonly from: 'disk' | 'wire' | 'configuration' | 'people';
  /** Small valid inputs: every flipped bit and every truncation of them is tried first. */
  readonly valid: readonly Buffer[];
  /** Puts checksums right again, so that what lies behind them is reached. Tried with and without. */
  readonly seal?: (bytes: Buffer) => Buffer;
  /** Throws where something does not hold: a crash, a refusal without a type, a decoded value that does not encode to itself. */
  run(input: Buffer): void | Promise<void>;
}
