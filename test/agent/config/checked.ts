/** Runs a property with a seed that is printed on failure and can be given again as SEED. */
import fc from 'fast-check';

export function checked<Values>(property: fc.IProperty<Values>, numRuns = 500): void {
  const seed = process.env.SEED === undefined ? {} : { seed: Number(process.env.SEED) };
  fc.assert(property, { numRuns, ...seed });
}
